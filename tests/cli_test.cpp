// The program as a shell sees it: exit status, standard output, standard error.

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "apps/classify/interrupt.h"
#include "tensor/error.h"
#include "tests/program.h"
#include "tests/throws.h"

namespace fs = std::filesystem;
using namespace gradus;
using namespace gradus::classify;

TEST_CASE("train, predict, explain, eval, info") {
  const TemporaryFolder folder;
  write_table(folder);
  Result result = train(folder);
  CHECK_MESSAGE(result.status == 0, result.error);
  CHECK(result.out.find("48 texts to learn from, 12 held out") != std::string::npos);
  CHECK(result.out.find("both were chosen by these very texts") != std::string::npos);
  CHECK(result.out.find("saved m.safetensors") != std::string::npos);
  const std::string used = "A step used at most ";
  const double megabytes = std::stod(result.out.substr(result.out.find(used) + used.size()));
  CHECK(megabytes > 0.1);  // a table of a few words and its gradients, and the word vectors'
  CHECK(megabytes < 10);

  folder.write("one.txt", "a fine film\n");
  result = run_gradus(folder, "predict --model m.safetensors - < one.txt");
  CHECK(result.status == 0);
  CHECK(result.out.starts_with("pos\t0."));
  result = run_gradus(folder, "predict --model m.safetensors --json < /dev/null");
  CHECK(result.status == 0);
  CHECK(result.out.empty());
  folder.write("texts.txt", "a dull film\n\na fine film");  // an empty line is a text too
  result = run_gradus(folder, "predict --model m.safetensors texts.txt | cut -f 1 | tr '\\n' ' '");
  CHECK(result.out.starts_with("neg "));
  CHECK(result.out.ends_with(" pos "));

  result = run_gradus(folder, "explain --model m.safetensors 'a fine film'");
  CHECK(result.status == 0);
  CHECK(result.out.find("fine") != std::string::npos);
  CHECK(result.out.find("\x1b[") == std::string::npos);  // no colours into a file
  CHECK(run_gradus(folder, "explain --model m.safetensors ''").status == 0);

  result = run_gradus(folder, "eval --model m.safetensors --data films.csv --json");
  CHECK(result.status == 0);
  CHECK(result.out.find("\"accuracy\"") != std::string::npos);
  CHECK(run_gradus(folder, "info").out.find("backend") != std::string::npos);
  CHECK(run_gradus(folder, "info --model m.safetensors").out.find("n-grams") != std::string::npos);
  CHECK(run_gradus(folder, "--version").out == "gradus " GRADUS_VERSION "\n");
  CHECK(run_gradus(folder, "train --help").status == 0);
}

TEST_CASE("a wrong command line is status 2") {
  const TemporaryFolder folder;
  write_table(folder);
  for (const char* arguments : {"",
                                "trian",
                                "train",
                                "train --data films.csv",
                                "predict",
                                "fetch",
                                "fetch mnist",
                                "train --data films.csv --out m --encoder circular",
                                "train --data films.csv --folds 1",
                                "train --data films.csv --out m --epochs 0",
                                "train --data films.csv --out m --epochs many",
                                "train --data films.csv --out m --lr -1",
                                "train --data films.csv --out m --valid-fraction 2",
                                "train --data films.csv --out m --threads 0",
                                "train --data films.csv --out m --format odd",
                                "train --data films.csv --out m --what",
                                "train --data films.csv --out m --encoder transformer --heads 3",
                                "info --backend gpu",
                                "train --data films.csv --out m --preset slow",
                                "train --data films.csv --out m --encoder linear --ensemble 2",
                                "train --data films.csv --out m --ensemble 2 --attention additive",
                                "train --data films.csv --out m --encoder ngram --unlabelled x",
                                "train --data films.csv --out m --without luck",
                                "train --data films.csv --out m --without keys",
                                "train --data films.csv --out m --encoder ngram --without vectors",
                                "train --data films.csv --out m --encoder conv --without ratios",
                                "train --data films.csv --folds 2 --out m",
                                "train --data films.csv --folds 2 --log m",
                                "train --data films.csv --folds 2 --valid-fraction 0.1",
                                "predict --model m --data films.csv films.csv",
                                "compress --model m",
                                "compress --model m --out n",
                                "compress --model m --out n --prune 1.5"}) {
    CAPTURE(arguments);
    const Result result = run_gradus(folder, arguments);
    CHECK(result.status == 2);
    CHECK(!result.error.empty());
    CHECK(!fs::exists(folder / "m"));
  }
}

TEST_CASE("options that could not act are refused, with what they are for") {
  const TemporaryFolder folder;
  write_table(folder);
  struct Case {
    const char *options, *says;
  };
  const char* heads =
      "--heads: 3 heads do not divide the 256 numbers of a word in the second branch of --encoder "
      "wide-deep";
  for (const Case& c :
       {Case{"--encoder ngram --layers 9", "--layers: is for --encoder conv or transformer"},
        {"--encoder ngram --hops 9", "--hops: is for --encoder linear, conv or transformer"},
        {"--hidden-size 7", "--hidden-size: is for --encoder linear, conv or transformer"},
        {"--encoder wide-deep --vocab-size 3", "--vocab-size: is for --encoder linear, conv or tr"},
        {"--encoder linear --ngram 1", "--ngram: is for --encoder ngram or wide-deep"},
        {"--encoder conv --skips", "--skips: is for --encoder ngram or wide-deep"},
        {"--encoder conv --heads 4", "--heads: is for --encoder ngram, wide-deep or transformer"},
        {"--encoder wide-deep --heads 3 --attention-size 63", heads}}) {
    CAPTURE(c.options);
    const Result result =
        run_gradus(folder, fmt::format("train --data films.csv --out m {}", c.options));
    CHECK(result.status == 2);
    CHECK_MESSAGE(result.error.find(c.says) != std::string::npos, result.error);
  }
  // Much text would be read by the other encoder, which these options suit.
  const Result little =
      run_gradus(folder, "train --data films.csv --out m --heads 3 --attention-size 63");
  CHECK(little.status == 1);
  CHECK(little.out.find("word vectors") == std::string::npos);
  CHECK(little.error == std::string("gradus: [train] ") + heads +
                            "; the encoder chosen for 0.0 MB of text is wide-deep\n");
}

TEST_CASE("explain tells classes apart whose names begin alike") {
  const TemporaryFolder folder;
  write_table(folder);
  std::string table = read_file(folder / "films.csv");
  for (std::size_t at; (at = table.find(",pos")) != table.npos;)
    table.replace(at, 4, ",login.reset");
  for (std::size_t at; (at = table.find(",neg")) != table.npos;)
    table.replace(at, 4, ",login.reserve");
  folder.write("films.csv", table);
  REQUIRE(train(folder, "--encoder ngram").status == 0);
  const Result result = run_gradus(folder, "explain --model m.safetensors 'a fine film'");
  CHECK(result.out.find("\nweight    login.reset  login.reserve  \n") != std::string::npos);
}

TEST_CASE("as many layers as there may be leave every word its share") {
  const TemporaryFolder folder;
  write_table(folder);
  CHECK(run_gradus(folder,
                   "train --data films.csv --out m --encoder conv --layers 64 --epochs 1 "
                   "--attention-size 4 --hidden-size 4")
            .status == 0);
  const Result result = run_gradus(folder, "explain --model m 'a fine film and'");
  for (const char* word : {"a", "fine", "film", "and"}) {
    CHECK(result.out.find(fmt::format("\n0.2500  {}", word)) != std::string::npos);
  }
}

TEST_CASE("the smallest model can be read again") {
  const TemporaryFolder folder;
  write_table(folder);
  for (const std::string small : {"linear", "conv", "transformer --heads 1", "ngram --heads 1"}) {
    CAPTURE(small);
    CHECK(run_gradus(folder, fmt::format("train --data films.csv --out m --epochs 1 "
                                         "--attention-size 1 --encoder {}",
                                         small))
              .status == 0);
    CHECK(run_gradus(folder, "predict --model m films.csv").status == 0);
  }
}

TEST_CASE("folds say of which classes there are too few texts") {
  const TemporaryFolder folder;
  write_table(folder);
  folder.write("films.csv", read_file(folder / "films.csv") + "an odd film,odd\n");
  const Result result = run_gradus(folder, "train --data films.csv --folds 2 --epochs 1");
  CHECK(
      result.out.find("in some folds: 1 class (odd) has no text to learn from: of those held out, "
                      "1 are not used\n") != std::string::npos);
  CHECK(result.out.find("in some folds: 1 class (odd) has a single text to learn from\n") !=
        std::string::npos);
}

TEST_CASE("a signal that is ignored when the program starts stays so") {
  struct sigaction before[2], found{};
  const int signals[2]{SIGINT, SIGTERM};
  for (int i : {0, 1}) sigaction(signals[i], nullptr, &before[i]);
  std::signal(SIGINT, SIG_IGN);
  catch_interrupts();
  sigaction(SIGINT, nullptr, &found);
  const bool stays = found.sa_handler == SIG_IGN;
  CHECK(stays);
  sigaction(SIGTERM, nullptr, &found);
  const bool caught = found.sa_handler != before[1].sa_handler;
  CHECK(caught);
  for (int i : {0, 1}) sigaction(signals[i], &before[i], nullptr);
  std::signal(SIGHUP, SIG_DFL);
}

TEST_CASE("folds: each is measured, and no model is written") {
  const TemporaryFolder folder;
  write_table(folder);
  const Result result = run_gradus(folder, "train --data films.csv --folds 3 --epochs 1");
  CHECK(result.status == 0);
  CHECK(result.out.find("\n   3  ") != std::string::npos);
  CHECK(result.out.find("mean and deviation over the folds: accuracy") != std::string::npos);
  CHECK(run_gradus(folder, "train --data films.csv --folds 999").status == 1);  // fewer texts
}

TEST_CASE("a preset is a set of defaults, which other options overrule") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string best = "train --data films.csv --out m --epochs 1 --preset best";
  const Result joined = run_gradus(folder, best);
  CHECK(joined.status == 0);
  CHECK(joined.out.find("wide-deep encoder") != std::string::npos);
  CHECK(joined.out.find("2 models joined") != std::string::npos);
  const Result single = run_gradus(folder, best + " --encoder ngram --ensemble=1");
  CHECK(single.out.find("ngram encoder") != std::string::npos);
  CHECK(single.out.find("joined") == std::string::npos);
}

TEST_CASE("a preset gives way to what was chosen, and speaks of no option that was not") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string best = "train --data films.csv --out m --epochs 1 --preset best ";
  for (const std::string chosen : {"--encoder linear", "--encoder ngram --attention euclidean"}) {
    CAPTURE(chosen);
    CHECK(run_gradus(folder, best + chosen).status == 0);
  }
}

TEST_CASE("pieces are left out one by one or several at once") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string train = "train --data films.csv --out m --epochs 1 --encoder wide-deep ";
  const Result result =
      run_gradus(folder, train + "--without parts,ratios --without vectors --quiet");
  CHECK(result.status == 0);
  CHECK(
      run_gradus(folder, "info --model m").out.find(R"("without":["ratios","vectors","parts"])") !=
      std::string::npos);
}

TEST_CASE("an unknown command is named") {
  const TemporaryFolder folder;
  CHECK(run_gradus(folder, "trian").error.find("no command 'trian'") != std::string::npos);
}

TEST_CASE("an option that is none is named before those that it was meant to be") {
  const TemporaryFolder folder;
  const Result result = run_gradus(folder, "train --dat imdb");
  CHECK(result.status == 2);
  CHECK(result.error.find("--dat\n") != std::string::npos);
  CHECK(result.error.find("required") == std::string::npos);
  CHECK(run_gradus(folder, "train").error.find("--data is required") != std::string::npos);
}

TEST_CASE("bad data is status 1, a sentence, and no file") {
  const TemporaryFolder folder;
  write_table(folder);
  folder.write("empty.csv", "");
  folder.write("one.csv", "text,label\nfine,pos\ngood,pos\n");
  folder.write("open.csv", "text,label\nfine,pos\n\"dull,neg\nbad,neg\n");
  folder.write("long.csv", "text,label\nfine,pos\n" + std::string(100'000'000, 'x') + ",neg\n");
  folder.write("foreign.safetensors", "not a model");
  fs::create_directory(folder / "nothing");
  for (const std::string data :
       {"absent", "nothing", "empty.csv", "one.csv", "open.csv", "long.csv", "/dev/null"}) {
    CAPTURE(data);
    const Result result =
        run_gradus(folder, fmt::format("train --data {} --out m.safetensors", data));
    CHECK(result.status == 1);
    CHECK(result.error.starts_with("gradus: ["));
    CHECK(result.error.find('\n') == result.error.size() - 1);  // one sentence, one line
    CHECK(!fs::exists(folder / "m.safetensors"));
  }
  CHECK(run_gradus(folder, "train --data open.csv --out m").error.find("line 3") !=
        std::string::npos);
  for (const std::string arguments :
       {"predict --model foreign.safetensors", "predict --model absent", "info --model nothing",
        "explain --model films.csv text", "eval --model absent --data films.csv",
        "train --data films.csv --out nothing", "train --data films.csv --out absent/m",
        "train --data films.csv --out m --log absent/log"}) {
    CAPTURE(arguments);
    const Result result = run_gradus(folder, std::string(arguments) + " < /dev/null");
    CHECK(result.status == 1);
    CHECK(result.error.starts_with("gradus: ["));
  }
}

TEST_CASE("a limit on memory is kept, with a sentence") {
  const TemporaryFolder folder;
  write_table(folder);
  ::setenv("GRADUS_MEMORY_LIMIT", "8K", 1);
  const Result small = train(folder);
  ::setenv("GRADUS_MEMORY_LIMIT", "much", 1);
  const Result wrong = train(folder);
  ::unsetenv("GRADUS_MEMORY_LIMIT");
  CHECK(small.status == 1);
  CHECK(small.error.find("a smaller batch needs less") != std::string::npos);
  CHECK(wrong.status == 1);
  CHECK(wrong.error.find("'much' is not an amount of memory") != std::string::npos);
}

TEST_CASE("Ctrl-C saves the best model so far") {
  const TemporaryFolder folder;
  write_table(folder);
  for (const std::string options : {"--attention-size 8", "--encoder ngram --ensemble 2"}) {
    CAPTURE(options);
    const Result result = run_gradus(
        folder,
        fmt::format("train --data films.csv --out m.safetensors {} --epochs 1000000 & sleep 1; "
                    "kill -TERM $!; wait $!",
                    fmt::format("{} --batch-tokens 64", options)));
    CHECK(result.status == 130);
    CHECK(result.out.find("Stopped; the best until then is saved") != std::string::npos);
    CHECK(run_gradus(folder, "predict --model m.safetensors films.csv").status == 0);
    std::filesystem::remove(folder / "m.safetensors");
  }
}

TEST_CASE("what an interruption leaves is said, with --quiet and --folds, too") {
  const TemporaryFolder folder;
  write_table(folder);
  // Until there is a file, or a row in it.
  const auto stopped = [&](const std::string& options, const char* there, const char* signal) {
    return run_gradus(folder,
                      fmt::format("train --data films.csv {} {} & until {}; do sleep 0.1; "
                                  "done; kill -{} $!; wait $!",
                                  "--encoder ngram --batch-tokens 64", options, there, signal));
  };
  const Result quiet =
      stopped("--out m.safetensors --epochs 1000000 --quiet", "test -e m.safetensors", "HUP");
  CHECK(quiet.status == 130);
  CHECK(quiet.out.empty());
  CHECK(quiet.error == "gradus: stopped; the best until then is saved in m.safetensors\n");
  CHECK(run_gradus(folder, "info --model m.safetensors").status == 0);
  const Result folds =
      stopped("--folds 50 --epochs 300 > rows", "grep -qs ' 0[.][0-9]* ' rows", "TERM");
  CHECK(folds.status == 130);
  CHECK(folds.error.starts_with("gradus: stopped after "));
  CHECK(folds.error.find(" of 50 folds: accuracy ") != std::string::npos);
}
