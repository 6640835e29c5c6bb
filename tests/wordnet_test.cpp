#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tests/described.h"
#include "tests/temporary_folder.h"

using namespace gradus::data;
namespace fs = std::filesystem;
using Labels = std::vector<std::string>;

TEST_CASE("WordNet's definitions with the names of its lexicographer files") {
  const TemporaryFolder tmp;
  const std::string licence = "  1 This software and database is being provided to you  \n";
  tmp.write("wn/data.noun",
            licence +
                "00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is perceived; \"an "
                "entity\"  \n"
                "07555863 13 n 02 food 0 nutrient 0 000 | any substance; used as food  \n");
  tmp.write("wn/data.verb",
            licence + "00001740 29 v 01 breathe 0 000 | draw air into: \"I breathe\"; \"x\"\n");
  tmp.write("wn/data.adj",
            licence + "00001740 00 a 01 able 0 000 | (usually followed by `to') having skill\n");
  refuses(tmp / "wn",
          ": WordNet's data.adv is missing (the Debian package wordnet-base has all four, in "
          "/usr/share/wordnet)");
  tmp.write("wn/data.adv",
            licence + "00001740 02 r 01 so 0 000 | the word \"so\" itself; said twice\n");
  const Dataset d = read_dataset(tmp / "wn");
  CHECK(d.labels == Labels{"adj.all", "adv.all", "noun.Tops", "noun.food", "verb.body"});
  CHECK(train(d) == Labels{"adj.all: (usually followed by `to') having skill",
                           "adv.all: the word \"so\" itself; said twice",
                           "noun.Tops: that which is perceived",
                           "noun.food: any substance; used as food", "verb.body: draw air into"});
  tmp.write("wn/data.adv", licence + "00001740 45 r 01 so 0 000 | what\n");
  refuses(tmp / "wn", ", data.adv, line 2: lexicographer file 45 is none of the 45");
  tmp.write("wn/data.adv", "x | y\n");
  refuses(tmp / "wn",
          ", data.adv, line 1: is not a line of WordNet: 'offset file-number type ... | gloss'");
}

TEST_CASE("the installed WordNet has 117659 definitions of 45 kinds" *
          doctest::skip(!fs::exists("/usr/share/wordnet/data.noun"))) {
  const Dataset d = read_dataset("/usr/share/wordnet");
  CHECK(d.train.size() == 117659);
  CHECK(d.labels.size() == 45);
}
