// What no one means to do to the program, and what someone's script or full disk will do all the same.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/program.h"

namespace fs = std::filesystem;

TEST_CASE("numbers that are none, too large or negative are refused, with what would do") {
  const TemporaryFolder folder;
  write_table(folder);
  struct Case {
    const char *option, *says;
  };
  for (const Case& c :
       {Case{"--lr nan", "--lr: nan is not a number above 0"},
        {"--lr inf", "--lr: inf is not a number above 0"},
        {"--lr 0", "--lr: 0 is not a number above 0"},
        {"--lr 1e", "--lr: 1e is not a number above 0"},
        {"--dropout nan", "--dropout: nan is not a number from 0 to 0.99"},
        {"--valid-fraction 0", "--valid-fraction: 0 is not a number from 0.0001 to 0.9999"},
        {"--valid-fraction 1", "--valid-fraction: 1 is not a number from 0.0001 to 0.9999"},
        {"--seed -1", "--seed: -1 is not a whole number from 0 to"},
        {"--seed 99999999999999999999", "is not a whole number from 0 to"},
        {"--epochs 1.5", "--epochs: 1.5 is not a whole number from 1 to"},
        {"--batch-tokens 99999999999999999999", "is not a whole number from 1 to"},
        {"--batch-tokens 0", "--batch-tokens: 0 is not a whole number from 1 to"}}) {
    CAPTURE(c.option);
    const Result result =
        run_gradus(folder, fmt::format("train --data films.csv --out m {}", c.option));
    CHECK(result.status == 2);
    CHECK_MESSAGE(result.error.find(c.says) != std::string::npos, result.error);
    CHECK(!fs::exists(folder / "m"));
  }
  CHECK(run_gradus(folder,
                   "train --data films.csv --out m --batch-tokens 1 --attention-size 4 "
                   "--seed 9223372036854775807")
            .status == 0);
}

TEST_CASE("a number is decimal, whatever it begins with") {
  const TemporaryFolder folder;
  write_table(folder);
  CHECK(train(folder, "--encoder linear --hidden-size 08 --seed 010").status == 0);
  const std::string eight = read_file(folder / "m.safetensors");
  CHECK(train(folder, "--encoder linear --hidden-size 8 --seed 10").status == 0);
  CHECK(read_file(folder / "m.safetensors") == eight);
}

TEST_CASE("output that cannot be written is status 1") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  for (const std::string command :
       {"predict --model m.safetensors films.csv", "eval --model m.safetensors --data films.csv",
        "info", "explain --model m.safetensors fine", "--version", "--help",
        "train --data films.csv --out n.safetensors --epochs 1"}) {
    CAPTURE(command);
    const Result result = run_gradus(folder, fmt::format("{} > /dev/full", command));
    CHECK(result.status == 1);
    CHECK(result.error.find("cannot be written") != std::string::npos);
  }
}

TEST_CASE("a reader that has seen enough ends the program quietly") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  std::string texts;
  for (int i = 0; i < 100'000; ++i)
    texts += "a fine film\n";  // the answers are 1 MB, a pipe holds less
  folder.write("texts.txt", texts);
  const Result result = run_gradus(folder, "predict --model m.safetensors texts.txt | head -n 1");
  CHECK(result.out.starts_with("pos\t"));
  CHECK(result.error.empty());
}

TEST_CASE("with standard streams closed, nothing that is printed gets into the model") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  const std::string whole = read_file(folder / "m.safetensors");
  CHECK(train(folder, "<&- >&- 2>&-").status == 0);
  CHECK(read_file(folder / "m.safetensors") == whole);
  CHECK(run_gradus(folder, "predict --model m.safetensors <&-").status == 0);
}

TEST_CASE("a model takes the place of a file only, and only whole") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  const std::string whole = read_file(folder / "m.safetensors");
  const auto files = [&] {
    return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
  };
  const auto before = files();

  // A disk (or quota) with no room: the old model stays, and no part of the new one.
  for (const char* command : {"train --data films.csv --out m.safetensors --epochs 1 --quiet",
                              "compress --model m.safetensors --half --out m.safetensors"}) {
    const Result full = run_gradus(folder, fmt::format("--version > /dev/null; ulimit -f 1; "
                                                       "'{}/gradus' {}",
                                                       GRADUS_BUILD_DIR, command));
    CHECK(full.status == 1);
    CHECK(full.error.find("[save] m.safetensors cannot be written: File too large") !=
          std::string::npos);
    CHECK(read_file(folder / "m.safetensors") == whole);
    CHECK(files() == before);
  }

  REQUIRE(std::system(fmt::format("mkfifo '{}'", (folder / "pipe").string()).c_str()) == 0);
  const Result pipe = run_gradus(folder, "compress --model m.safetensors --half --out pipe");
  CHECK(pipe.status == 1);
  CHECK(pipe.error.find("pipe is a device or a pipe") != std::string::npos);
  CHECK(fs::is_fifo(folder / "pipe"));

  fs::create_symlink("m.safetensors", folder / "link");
  CHECK(run_gradus(folder, "compress --model m.safetensors --half --out link").status == 0);
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(fs::file_size(folder / "m.safetensors") < whole.size());
}

TEST_CASE("what is read is never written over") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string table = read_file(folder / "films.csv");
  folder.write("more.txt", "a fine film\n");
  fs::create_symlink("films.csv", folder / "link");
  fs::create_hard_link(folder / "films.csv", folder / "hard");
  for (const std::string options :
       {"--out m --log films.csv", "--out films.csv", "--out link", "--out m --log ./hard",
        "--out m --log m", "--out m --log ./m", "--out m --unlabelled more.txt --log more.txt"}) {
    CAPTURE(options);
    const Result result = run_gradus(folder, fmt::format("train --data films.csv {}", options));
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.error.find("are the same file") != std::string::npos, result.error);
    CHECK(read_file(folder / "films.csv") == table);
    CHECK(read_file(folder / "more.txt") == "a fine film\n");
    CHECK(!fs::exists(folder / "m"));
  }
}

TEST_CASE("nor is a file of a folder that is read, but a model there is") {
  const TemporaryFolder folder;
  write_table(folder);
  fs::create_directory(folder / "set");
  fs::rename(folder / "films.csv", folder / "set/train.csv");
  const std::string table = read_file(folder / "set/train.csv"),
                    train = "train --data set --quiet ";
  CHECK(run_gradus(folder, train + "--out set/train.csv").error ==
        "gradus: [train] --out set/train.csv is a file of --data, which would be lost; name "
        "another for --out\n");
  CHECK(run_gradus(folder, train + "--out m --log ./set/../set/train.csv").status == 1);
  for (int again = 0; again < 2; ++again) {
    CHECK(run_gradus(folder, train + "--epochs 1 --out set/m.safetensors").status == 0);
  }
  CHECK(read_file(folder / "set/train.csv") == table);
}

TEST_CASE("a log outlives a training that fails before it begins") {
  const TemporaryFolder folder;
  write_table(folder);
  folder.write("empty.csv", "");
  folder.write("log", "old\n");
  CHECK(run_gradus(folder, "train --data empty.csv --out m --log log").status == 1);
  CHECK(read_file(folder / "log") == "old\n");
  CHECK(train(folder, "--log log").status == 0);
  CHECK(read_file(folder / "log").starts_with("{\"step\":1,"));
}

TEST_CASE("a model is saved before its epoch is logged") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(std::system(fmt::format("mkfifo '{}'", (folder / "log").string()).c_str()) == 0);
  // The log has no reader any more when the epoch ends, and the program dies of that.
  run_gradus(folder,
             "train --data films.csv --out m.safetensors --epochs 1 --log log & "
             "timeout 60 head -n 1 log; wait $!");
  CHECK(run_gradus(folder, "info --model m.safetensors").status == 0);
}

TEST_CASE("files that are no text are refused, and those that cannot be read with the reason") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  folder.write("utf16.txt", std::string("\xFF\xFE"
                                        "a\0\n\0",
                                        6));
  const auto error = [&](const std::string& arguments) {
    const Result result = run_gradus(folder, "predict --model m.safetensors " + arguments);
    CHECK(result.status == 1);
    CHECK(result.out.empty());
    return result.error;
  };
  CHECK(error("utf16.txt") == "gradus: [predict] utf16.txt is UTF-16; save it as UTF-8\n");
  CHECK(error("m.safetensors") == "gradus: [predict] m.safetensors is a binary file, not text\n");
  CHECK(error("- < m.safetensors") ==
        "gradus: [predict] standard input is a binary file, not text\n");
  CHECK(error("absent") == "gradus: [predict] cannot read 'absent': No such file or directory\n");
  CHECK(error(".") == "gradus: [predict] cannot read '.': Is a directory; --data reads folders\n");
  CHECK(run_gradus(folder, "train --data films.csv --out /proc/m")
            .error.find("cannot be written: ") != std::string::npos);
  fs::create_symlink("/proc/version", folder / "link");  // known before the data is read
  const Result link = run_gradus(folder, "train --data films.csv --out link");
  CHECK(link.error.starts_with("gradus: [save] /proc/version cannot be written: "));
  CHECK(link.out.empty());
}

TEST_CASE("what the system says of a path stands behind it") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  const std::string name(300, 'x'), says = name + ": File name too long\n";
  CHECK(run_gradus(folder, "train --data films.csv --out " + name).error ==
        "gradus: [train] " + says);
  CHECK(run_gradus(folder, "predict --model m.safetensors " + name).error ==
        "gradus: [predict] " + says);
}

TEST_CASE("what train reads, predict reads: each answer after its place") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  folder.write("new.csv", "text\n\"a fine\nfilm\"\na dull film\n");
  const std::string predict = "predict --model m.safetensors --data ";
  CHECK(run_gradus(folder, predict + "new.csv | cut -f 1,2").out == "line 2\tpos\nline 4\tneg\n");
  folder.write("set/b.txt", "a fine film");
  folder.write("set/a.txt", "a dull\nfilm");
  CHECK(run_gradus(folder, predict + "set | cut -f 1,2").out == "a.txt\tneg\nb.txt\tpos\n");
  CHECK(run_gradus(folder, predict + "set --json")
            .out.starts_with("{\"place\":\"a.txt\",\"label\":\"neg\""));
  folder.write("films.tsv", "words\ta\na fine film\t1\n");
  CHECK(
      run_gradus(folder, predict + "films.tsv --text-column words").out.starts_with("line 2\tpos"));
}

TEST_CASE("eval minds the labels of the texts that it measures, no others") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  folder.write("set/train.csv", "text,label\na fine film,pos\na dull film,other\n");
  folder.write("set/test.csv", "text,label\na fine film,pos\na dull film,neg\n");
  const std::string eval = "eval --model m.safetensors --data set";
  CHECK(run_gradus(folder, eval).out.starts_with("2 texts of set (its test split)\n"));
  folder.write("set/test.csv", "text,label\na fine film,pos\na dull film,other\n");
  CHECK(run_gradus(folder, eval).error ==
        "gradus: [eval] the data has texts labelled 'other', which the model does not know; it "
        "knows: neg, pos\n");
}

TEST_CASE("how to read --data says nothing of other texts") {
  const TemporaryFolder folder;
  for (const char* option : {"--format csv", "--text-column words"}) {
    const Result result =
        run_gradus(folder, fmt::format("predict --model m {} < /dev/null", option));
    CHECK(result.status == 2);
    CHECK(result.error.find("requires --data") != std::string::npos);
  }
  // Typed wrong, its value is not taken for a file.
  CHECK(run_gradus(folder, "predict --model m --data films.csv --formt csv")
            .error.find("not expected: --formt") != std::string::npos);
}

TEST_CASE("empty texts are measured, and their number is said") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  folder.write("set/train.csv", "text,label\na fine film,pos\na dull film,neg\n");
  folder.write("set/test.csv", "text,label\na fine film,pos\n,neg\n<br>,neg\n");
  const std::string eval = "eval --model m.safetensors --data ";
  const Result whole = run_gradus(folder, eval + "set"),
               part = run_gradus(folder, eval + "set/test.csv");
  CHECK(whole.out.starts_with("3 texts of set (its test split; 2 of them empty)\n"));
  CHECK(part.out.find("; 2 of them empty)\n") != std::string::npos);
  CHECK(whole.out.substr(whole.out.find('\n')) == part.out.substr(part.out.find('\n')));
}

TEST_CASE("the data's own test split decides nothing, and is measured at the end") {
  const TemporaryFolder folder;
  write_table(folder);
  fs::create_directory(folder / "set");
  fs::rename(folder / "films.csv", folder / "set/train.csv");
  folder.write("set/test.csv", "text,label\na fine film,pos\na dull film,neg\na fine film,other\n");
  const Result result =
      run_gradus(folder, fmt::format("train --data set --out m.safetensors {}", kSmall));
  CHECK(result.status == 0);
  CHECK(result.out.find("54 texts to learn from, 6 held out (10 % of each class), 3 in the data's "
                        "own test split\n1 class (other) has no text left to learn from\n") !=
        std::string::npos);
  const std::size_t end = result.out.find("\nOn the data's own test split, the best epoch");
  REQUIRE(end != std::string::npos);
  CHECK(result.out.find("chosen by the texts held out):\naccuracy 66.67 %", end) <
        result.out.size());
  // Whatever the test split says, the model is the same.
  const std::string model = read_file(folder / "m.safetensors");
  folder.write("set/test.csv", "text,label\na fine film,neg\na dull film,pos\n,other\n");
  CHECK(run_gradus(folder, fmt::format("train --data set --out m.safetensors {}", kSmall))
            .out.find("accuracy 0.00 %") != std::string::npos);
  CHECK(read_file(folder / "m.safetensors") == model);
}

TEST_CASE("unlabelled texts that are held out are not learned from, and it is said") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string train = "train --data films.csv --unlabelled films.csv --epochs 1 ";
  CHECK(run_gradus(folder, train + "--out m")
            .out.find(
                "60 unlabelled texts\n12 unlabelled texts are among those held out: not used\n") !=
        std::string::npos);
  CHECK(run_gradus(folder, train + "--folds 2")
            .out.find("60 unlabelled texts are also labelled: the fold that held one out did "
                      "without it\n") != std::string::npos);
  CHECK(run_gradus(folder, train + "--folds 2 --quiet").out.find("unlabelled") ==
        std::string::npos);
  for (const char* end : {"--out n", "--folds 2"}) {  // noticed before the data are read
    const Result absent =
        run_gradus(folder, fmt::format("train --data films.csv --unlabelled more {}", end));
    CHECK(absent.status == 1);
    CHECK(absent.error == "gradus: [train] --unlabelled more: there is no such file or folder\n");
    CHECK(absent.out.empty());
  }
}

TEST_CASE("bytes that are no text, and labels in any script") {
  const TemporaryFolder folder;
  std::string table = "text,label\n";
  for (int i = 0; i < 60; ++i) {
    table +=
        fmt::format("\"line {}\nhe said \"\"{}\"\", \",{}\r\n", i, i % 2 == 0 ? "fine" : "dull",
                    i % 2 == 0 ? " très bon 好 " : "not, so good");
    // A label with a comma must be quoted.
    if (i % 2 == 1) {
      table.resize(table.size() - std::string("not, so good\r\n").size());
      table += "\"not, so good\"\r\n";
    }
  }
  folder.write("films.csv", table);
  REQUIRE(train(folder).status == 0);
  folder.write("bytes.txt", std::string("a fine\0 film\n\0\0\n\n\xff\xfe dull\n", 25));
  const Result result = run_gradus(folder, "predict --model m.safetensors bytes.txt");
  CHECK(result.status == 0);
  CHECK(result.out.starts_with("très bon 好\t"));
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 4);
  const Result json = run_gradus(folder, "predict --model m.safetensors --json bytes.txt");
  CHECK(json.out.find("\"not, so good\":") != std::string::npos);
  CHECK(
      run_gradus(folder, "explain --model m.safetensors \"$(printf '\\xff\\x01 fine')\"").status ==
      0);
}

TEST_CASE("a line without end is refused, after the answers to the lines before it") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  const std::string longest((16 << 20) - 12, '\0');
  folder.write("texts.txt", "a fine film\na dull film" + longest + "\n\na fine film" + longest);
  const Result whole = run_gradus(folder, "predict --model m.safetensors texts.txt | cut -f 1");
  CHECK(whole.out.starts_with("pos\nneg\n"));
  CHECK(std::count(whole.out.begin(), whole.out.end(), '\n') == 4);
  const Result endless = run_gradus(
      folder, "--version > /dev/null; (echo a fine film; cat /dev/zero) | " GRADUS_BUILD_DIR
              "/gradus predict --model m.safetensors");
  CHECK(endless.status == 1);
  CHECK(endless.out.starts_with("pos\t"));
  CHECK(endless.error.find("line 2 of standard input has more than 16777216 bytes") !=
        std::string::npos);
}

TEST_CASE("thousands of lines come back in their order") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  std::string texts, wanted;
  for (int i = 0; i < 5000; ++i) {
    const bool fine = i % 3 == 0 || i % 7 == 0;
    texts += fine ? "a fine film\n" : "a dull film\n";
    wanted += fine ? "pos\n" : "neg\n";
  }
  folder.write("texts.txt", texts);
  CHECK(run_gradus(folder, "predict --model m.safetensors texts.txt | cut -f 1").out == wanted);
  CHECK(run_gradus(folder, "predict --model m.safetensors < texts.txt | cut -f 1").out == wanted);
}
