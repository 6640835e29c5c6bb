// Every error message of data/ that reader_test.cpp does not see (tests/messages_test.cpp).

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>

#include "data/batches.h"
#include "data/calibration.h"
#include "data/dataset.h"
#include "data/metrics.h"
#include "data/ngrams.h"
#include "data/split.h"
#include "data/vocabulary.h"
#include "data/word_counts.h"
#include "tensor/error.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::data;

TEST_CASE("messages of vocabularies, n-grams and batches") {
  const Vocabulary words(std::vector<std::string>{std::string(kUnknownWord), "a", "b"});
  REFUSES(IndexError, words.word(3), "[Vocabulary] word 3 of 3");
  REFUSES(Error, WordCounts().most_frequent(-1, 1), "[Vocabulary] a size of -1 words is below 0");
  using Keys = std::vector<Ngrams::Key>;
  REFUSES(Error, Ngrams(Keys{{1, 2, 3}}, 3, {}),
          "[Ngrams] an n-gram of the words 1, 2, 3: there are 3");
  REFUSES(Error, Ngrams(Keys{{1, 2, 0}, {1, 2, 0}}, 3, {}), "[Ngrams] an n-gram comes twice");
  REFUSES(Error, Ngrams(Keys{{1 << 21, 0, 0}}, 1 << 22, {}),
          "[Ngrams] word number 2097152: at most 2097152 words can be told apart");
  EncodedTexts texts;
  texts.ids = {1 << 21};
  REFUSES(Error, Ngrams::of_texts(texts),
          "[Ngrams] word number 2097152: at most 2097152 words can be told apart");
  REFUSES(Error, plan_batches(texts, 0), "[plan_batches] a budget of 0 tokens holds nothing");
}

TEST_CASE("messages of splits and metrics") {
  Dataset dataset;
  dataset.train = {{"x", 0}, {"y", 1}};
  REFUSES(Error, split_texts(dataset, 1.5, 1),
          "[split_texts] the fraction held out is 1.5; it must be between 0 and 1");
  const std::vector<std::string> names{"a", "b"};
  const std::vector<float> two{0.5F, 0.5F}, broken{0.5F, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<std::int32_t> one{0}, both{0, 1};
  REFUSES(ShapeError, fit_temperature(two, both, 2),
          "[fit_temperature] 2 numbers are not 2 for each of 2 texts");
  REFUSES(ShapeError, measure(two, both, names),
          "[measure] 2 numbers are not 2 for each of 2 texts");
  REFUSES(Error, measure(broken, one, names), "[measure] text 0 has a number that is not finite");
}

TEST_CASE("messages of folders and files of texts") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());  // so that messages name "f", not all before it
  const auto write = [&](const char* name, const char* text) { folder.write(name, text); };
  write("pictures/1.jpg", "x");
  REFUSES(IoError, read_dataset("pictures"),
          "[read_dataset] pictures: holds neither folders of texts for each class nor a table "
          "(.csv, .tsv, .jsonl)");
  REFUSES(IoError, read_dataset("pictures", {.format = Format::folders}),
          "[read_dataset] pictures: holds no folder of texts (.txt files, or files without an "
          "extension) for each class");
  write("hidden/pos/1.txt", "a");
  write("hidden/\xE2\x80\x8B/1.txt", "b");  // a space of no width
  REFUSES(IoError, read_dataset("hidden"),
          "[read_dataset] hidden, file \xE2\x80\x8B/1.txt: the label is empty");
  write("kinds/pos/1.txt", "a");
  write("kinds/neg/1.txt", "b");
  REFUSES(IoError, read_dataset("kinds", {.label_column = "stars"}),
          "[read_dataset] kinds: --label-column stars is for tables, and this is not one");
  write("tables/a.csv", "text,label\na,x\n");
  write("tables/b.csv", "text,label\na,x\n");
  REFUSES(IoError, read_dataset("tables"),
          "[read_dataset] tables: holds 2 tables and none is called train; name one of them: "
          "a.csv, b.csv");
  write("tested/train.csv", "text,label\n");
  write("tested/test.csv", "text,label\na,x\nb,y\n");
  REFUSES(IoError, read_dataset("tested"),
          "[read_dataset] tested: holds test texts only, nothing to train on");
  write("f", "__label__a x\n__label__b y\nz\n");
  REFUSES(IoError, read_dataset("f"), "[read_dataset] f, line 3: does not begin with __label__");
  write("vast", "");
  std::filesystem::resize_file("vast", std::uintmax_t{9} << 30);  // takes no room on the disk
  REFUSES(IoError, read_dataset("vast"),
          "[read_dataset] vast: holds more than 8 GiB, the most that is read at once");
  std::filesystem::current_path(before);
}
