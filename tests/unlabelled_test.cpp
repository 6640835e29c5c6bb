#include "data/unlabelled.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tensor/error.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::data;

namespace {
std::vector<std::string> read(const std::filesystem::path& path) {
  std::vector<std::string> texts;
  for (const Text& text : read_unlabelled(path)) texts.push_back(text.text);
  return texts;
}
using Strings = std::vector<std::string>;
}  // namespace

TEST_CASE(
    "a file has a text in each line, a folder one in each file, aclImdb its own below unsup") {
  const TemporaryFolder folder;
  CHECK(read(folder.write("lines.txt", "one <b>text</b>\n\n another\r\none text\nlast")) ==
        Strings{"one text", "another", "last"});
  folder.write("plain/b.txt", "second\nstill the second");
  folder.write("plain/deep/c", "third");
  folder.write("plain/a.txt", "first");
  folder.write("plain/picture.png", "no text");
  CHECK(read(folder / "plain") == Strings{"first", "second still the second", "third"});
  folder.write("acl/train/pos/1.txt", "labelled");
  folder.write("acl/train/unsup/1.txt", "unlabelled");
  CHECK(read(folder / "acl") == Strings{"unlabelled"});
}

TEST_CASE("nothing to read is an error") {
  const TemporaryFolder folder;
  const std::string path = folder.write("empty.txt", "\n \n").string();
  REFUSES(IoError, read_unlabelled(path), "[read_dataset] " + path + ": holds no unlabelled texts");
  CHECK_THROWS_AS(read_unlabelled(folder / "absent"), IoError);
}
