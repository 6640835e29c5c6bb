// The `gradus` program: reads the command line and calls one of the commands.
// Exit status: 0 done, 1 the data or the machine would not have it, 2 the command line is wrong,
// 130 stopped by Ctrl-C.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "apps/classify/commands.h"
#include "apps/classify/fetch.h"
#include "apps/classify/option_values.h"
#include "apps/classify/suited.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/precision.h"

namespace {

using namespace gradus;
using namespace gradus::classify;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

std::vector<CLI::Option*> add_format(CLI::App* app, data::ReadOptions& read) {
  CLI::Option* format =
      app->add_option_function<std::string>(
             "--format",
             [&read](const std::string& name) { read.format = data::format_named(name); },
             "the format of the data (default: detected)")
          ->check(CLI::IsMember(data::format_names()));
  return {format,
          app->add_option("--text-column", read.text_column, "the column that holds the text")};
}

void add_data_options(CLI::App* app, std::filesystem::path& data, data::ReadOptions& read) {
  app->add_option("--data", data, "the texts: a folder, an archive or a file")->required();
  add_format(app, read);
  app->add_option("--label-column", read.label_column, "the column that holds the class");
}

struct Arguments {
  TrainOptions train;
  EvalOptions eval;
  CompressOptions compress;
  PredictOptions predict;
  std::filesystem::path model;
  std::string text;
  std::filesystem::path fetch_to = "data";
  std::string fetch_what = "imdb";
  bool json = false;
  int threads = 0;
  bool bf16 = false;
  std::string backend;
};

void add_model(CLI::App* app, std::filesystem::path& model) {
  app->add_option("--model", model, "the model file")->required();
}

// What follows an option, before anything else is read: the other options' defaults depend on it.
std::string value_of(const std::string& option, int argc, char** argv) {
  const std::string joined = option + "=";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == option && i + 1 < argc) return argv[i + 1];
    if (word.starts_with(joined)) return word.substr(joined.size());
  }
  return {};
}

// The defaults of a preset and an encoder; what is unknown is refused later, with the others.
TrainOptions defaults_in(int argc, char** argv) {
  TrainOptions options;
  const bool best = value_of("--preset", argc, argv) == "best";
  EncoderKind encoder = best ? EncoderKind::wide_deep : EncoderKind::ngram;
  const std::string name = value_of("--encoder", argc, argv);
  options.encoder_by_size = name.empty() && !best;
  try {
    if (!name.empty()) encoder = encoder_named(name);
  } catch (const Error&) {
  }
  options.config = defaults_of(encoder);
  options.settings = settings_of(encoder);
  options.settings.epochs = 0;
  const std::string attention = value_of("--attention", argc, argv);
  const bool joinable = reads_ngrams(encoder) && (attention.empty() || attention == "dot");
  if (best && joinable) options.ensemble = 2;
  return options;
}

void add_train(CLI::App& program, Arguments& all) {
  TrainOptions& o = all.train;
  const EncoderKind encoder = o.config.encoder;
  const std::string little = fmt::format("up to {} MB of text", kLittleText / 1'000'000);
  CLI::App* app = program.add_subcommand("train", "train a model on labelled texts");
  add_data_options(app, o.data, o.read);
  app->add_option("--out", o.out, "the model file to write");
  app->add_option(
         "--preset",
         "fast: the defaults; best: --encoder wide-deep --ensemble 2, unless you set these "
         "yourself")
      ->check(CLI::IsMember({"fast", "best"}))
      ->default_str("fast");
  app->add_option(
      "--unlabelled", o.unlabelled,
      "more texts, without labels: a folder, an archive, a table, or a file with one per line "
      "(wide-deep, --ensemble); models after the first then make fewer passes, unless you set "
      "--epochs");
  app->add_option_function<std::string>(
         "--encoder", [&o](const std::string& name) { o.config.encoder = encoder_named(name); },
         "what reads the text: ngram, wide-deep, linear, conv or transformer; the defaults below "
         "are for " +
             std::string(name_of(encoder)))
      ->check(CLI::IsMember({"ngram", "wide-deep", "linear", "conv", "transformer"}))
      ->default_str(o.encoder_by_size ? fmt::format("wide-deep {}, else ngram", little)
                                      : name_of(encoder));
  app->add_option_function<std::string>(
         "--attention", [&o](const std::string& name) { o.config.attention = *score_named(name); },
         "the score of attention: dot, euclidean or additive")
      ->check(CLI::IsMember({"dot", "euclidean", "additive"}))
      ->default_str("dot");
  const auto option = [&](const char* name, auto& value, const char* text) {
    return app->add_option(name, value, text)->capture_default_str();
  };
  option("--ngram", o.config.longest, "most words in an n-gram (ngram, wide-deep)")
      ->transform(whole(1, 3));
  app->add_flag("--skips", o.config.skips,
                "also use pairs of words with any word between them (ngram, wide-deep)");
  option("--vocab-size", o.vocabulary_size,
         "how many words to know, the most frequent ones (linear, conv, transformer)")
      ->transform(whole(1, 1 << 24));
  option("--attention-size", o.config.attention_size, "size of a word's vector")
      ->transform(whole(1, 1 << 14));
  option("--hidden-size", o.config.hidden_size,
         "size of the hidden layers (linear, conv, transformer)")
      ->transform(whole(1, 1 << 18));
  option("--layers", o.config.layers, "convolutions or transformer layers (conv, transformer)")
      ->transform(whole(1, 64));
  option("--heads", o.config.heads,
         "attention heads (ngram, wide-deep, transformer); must divide --attention-size")
      ->transform(whole(1, 1024));
  option("--hops", o.config.hops, "how often attention reads the text (linear, conv, transformer)")
      ->transform(whole(1, 64));
  option("--dropout", o.config.dropout, "share of numbers zeroed in training")
      ->transform(number(0, 0.99));
  const std::int64_t epochs = settings_of(encoder).epochs;
  app->add_option("--epochs", o.settings.epochs, "passes over the texts")
      ->default_str(fmt::format("{}; more where these make fewer than {} steps",
                                reads_ngrams(encoder)
                                    ? fmt::format("{} {}, else {}", kEpochsLittle, little, epochs)
                                    : fmt::format("{}", epochs),
                                kLeastSteps))
      ->transform(whole(1, 1 << 20));
  app->add_option("--batch-tokens", o.settings.batch_tokens,
                  "most tokens in a step; a longer text is a step of its own")
      ->default_str(fmt::format("as many as 64 texts have, at most {}", most_tokens(encoder)))
      ->transform(whole(1, std::int64_t{1} << 31));
  option("--lr", o.settings.lr, "largest learning rate")->transform(positive());
  option("--valid-fraction", o.valid_fraction,
         "share of the texts to hold out, to choose the epoch and calibrate probabilities; the "
         "default is half as much if the data has its own test split")
      ->transform(number(0.0001, 0.9999));
  option("--ensemble", o.ensemble, "models to train and join into one (ngram, wide-deep)")
      ->transform(whole(1, kMostMembers));
  app->add_option_function<std::vector<std::string>>(
         "--without",
         [&o](const std::vector<std::string>& names) {
           for (const std::string& name : names) o.config.without.insert(piece_named(name));
         },
         "leave out parts of the model, to see what they are worth (ngram, wide-deep)")
      ->delimiter(',')
      ->check(CLI::IsMember(piece_names()));
  app->add_flag("--balance", o.settings.balance,
                "give every class the same weight, however rare it is");
  option("--patience", o.settings.patience,
         "stop after so many epochs without a better held-out loss; 0: never")
      ->transform(whole(0, 1 << 20));
  app->add_option(
         "--folds", o.folds,
         "cross-validate instead of writing a model: train this many models, each without one "
         "part of the texts, and measure each on that part")
      ->transform(whole(2, 1000));
  option("--seed", o.settings.seed, "the same seed gives the same model")
      ->transform(whole(0, INT64_MAX));
  app->add_option("--log", o.log, "write a JSON object for each step and epoch to this file");
  app->add_flag("--quiet", o.quiet, "print only errors, and with --folds a row for each fold");
}

void add_others(CLI::App& program, Arguments& all) {
  CLI::App* eval = program.add_subcommand("eval", "measure a model on labelled texts");
  add_model(eval, all.eval.model);
  add_data_options(eval, all.eval.data, all.eval.read);
  eval->add_option(
          "--wrong", all.eval.wrong,
          "show this many of the texts that the model gets most wrong (check their labels)")
      ->transform(whole(0, std::int64_t{1} << 31))
      ->capture_default_str();
  eval->add_flag("--json", all.eval.json, "print metrics and these texts as one JSON object");

  CLI::App* predict = program.add_subcommand("predict", "classify texts");
  PredictOptions& p = all.predict;
  add_model(predict, p.model);
  CLI::Option* file =
      predict->add_option("file", p.input, "texts, one per line; - is standard input")
          ->capture_default_str();
  CLI::Option* data =
      predict
          ->add_option("--data", p.data,
                       "texts in the formats of train, without needing labels: a folder, an "
                       "archive or a table; each answer begins with the text's file or line")
          ->excludes(file);
  for (CLI::Option* option : add_format(predict, p.read)) option->needs(data);
  predict->add_flag("--json", p.json, "print one JSON object per text");

  CLI::App* explain = program.add_subcommand("explain", "show which words of a text decide");
  add_model(explain, all.model);
  explain->add_option("text", all.text, "the text")->required();
  explain->add_flag("--json", all.json, "print one JSON object");

  CLI::App* compress = program.add_subcommand("compress", "make a model file smaller");
  add_model(compress, all.compress.model);
  compress->add_option("--out", all.compress.out, "the model file to write")->required();
  compress
      ->add_option("--prune", all.compress.prune,
                   "share of the n-grams to drop, the least important first (0.8 keeps a fifth)")
      ->transform(number(0, 1));
  compress->add_flag("--half", all.compress.half,
                     "store numbers in 16 bits: half the size, three digits, slower loading");

  CLI::App* fetch = program.add_subcommand("fetch", "download a data set");
  fetch->add_option("name", all.fetch_what, "the data set: imdb")
      ->required()
      ->check(CLI::IsMember({"imdb"}));
  fetch->add_option("--to", all.fetch_to, "the folder to save it in")->capture_default_str();

  CLI::App* info =
      program.add_subcommand("info", "describe the backends and the machine, or a model");
  info->add_option("--model", all.model, "the model file");
}

// What no option can check by itself.
void check(const TrainOptions& options) {
  if (options.out.empty() && options.folds == 0) throw CLI::RequiredError("--out");
  if (options.folds > 0) {  // no model comes of it, and each fold holds out its own texts
    for (const char* option : {"--out", "--log", "--valid-fraction"}) {
      if (options.given.contains(option)) throw CLI::ExcludesError("--folds", option);
    }
  }
  std::optional<Misfit> odd = misfit(options);
  if (odd && options.encoder_by_size) {  // one of two will be chosen: it is wrong if with neither
    TrainOptions other = options;
    other.config.encoder = EncoderKind::wide_deep;
    odd = misfit(other);
  }
  if (odd) throw CLI::ValidationError(odd->option, odd->why);
}

void check(const CompressOptions& options) {
  if (options.prune == 0 && !options.half) throw CLI::RequiredError("--prune or --half");
}

int run(const CLI::App& program, const Arguments& all) {
  if (all.threads > 0) set_num_threads(all.threads);
  if (all.bf16) set_matmul_precision(MatmulPrecision::bf16);
  if (!all.backend.empty()) set_default_backend(all.backend);
  const std::string command = program.get_subcommands().at(0)->get_name();
  if (command == "train") {
    return (all.train.folds > 0 ? run_folds : run_train)(all.train) ? 0 : kInterrupted;
  }
  if (command == "eval") run_eval(all.eval);
  if (command == "predict") run_predict(all.predict);
  if (command == "explain") run_explain(all.model, all.text, all.json);
  if (command == "compress") run_compress(all.compress);
  if (command == "fetch") fetch_imdb(all.fetch_to);
  if (command == "info") run_info(all.model);
  return 0;
}

// What no command should have to think of.
void prepare_process() {
  // Where a standard stream is closed, the next file opened would take its place: what is printed would
  // end up in the model.
  int file = 0;
  while (file >= 0 && file <= STDERR_FILENO) file = ::open("/dev/null", O_RDWR);
  if (file > STDERR_FILENO) ::close(file);
  // A file that may not grow is an error to report, not a reason to die with half a file behind.
  std::signal(SIGXFSZ, SIG_IGN);
}

int parse_and_run(int argc, char** argv) {
  CLI::App program{"Gradus: text classification with attention, trained end to end"};
  program.name("gradus");
  program.set_version_flag("--version", "gradus " GRADUS_VERSION);
  program.require_subcommand(1);
  program.fallthrough();
  Arguments all;
  program
      .add_option("--threads", all.threads, "cores to use (default: all, or a container's quota)")
      ->transform(whole(1, 1024));
  program
      .add_option_function<std::string>(
          "--precision", [&all](const std::string& name) { all.bf16 = name == "bf16"; },
          "of numbers in matrix products: f32, or bf16, with 2 digits, for speed on CPUs for "
          "which gradus info says bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->default_str("f32");
  program.add_option("--backend", all.backend, "the backend that computes")
      ->check(CLI::IsMember(backend_names()));
  all.train = defaults_in(argc, argv);
  add_train(program, all);
  add_others(program, all);
  // CLI11 would only say that a command is missing.
  const auto named = [&](const CLI::App* command) { return command->check_name(argv[1]); };
  if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(named).empty()) {
    fmt::print(stderr, "gradus: there is no command '{}'; gradus --help lists them\n", argv[1]);
    return kUsage;
  }
  try {
    program.parse(argc, argv);
    if (program.got_subcommand("train")) {
      for (const CLI::Option* option : program.get_subcommand("train")->get_options()) {
        if (option->count() > 0) all.train.given.insert(option->get_name());
      }
      check(all.train);
    }
    if (program.got_subcommand("compress")) check(all.compress);
  } catch (const CLI::ParseError& error) {
    // An option typed wrong may be what is missing, and its value taken for a file.
    const bool maybe_typed_wrong =
        error.get_name() == "RequiredError" || error.get_name() == "ExcludesError";
    std::vector<std::string> odd = program.remaining(true);
    std::erase_if(odd, [](const std::string& word) { return !word.starts_with('-'); });
    if (maybe_typed_wrong && !odd.empty()) {
      program.exit(CLI::ExtrasError("gradus", odd));
      return kUsage;
    }
    return program.exit(error) == 0 ? 0 : kUsage;
  }
  try {
    return run(program, all);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "gradus: out of memory\n");
  } catch (const std::filesystem::filesystem_error& error) {
    fmt::print(stderr, "gradus: [{}] {}: {}\n", program.get_subcommands().at(0)->get_name(),
               error.path1().string(), error.code().message());
  } catch (const std::exception& error) {
    fmt::print(stderr, "gradus: {}\n", error.what());
  }
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  const int status = parse_and_run(argc, argv);
  std::cout.flush();
  const bool printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (status != 0 || printed) return status;
  fmt::print(stderr, "gradus: standard output cannot be written (is the disk full?)\n");
  return kFailed;
}
