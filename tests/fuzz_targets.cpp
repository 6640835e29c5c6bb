#include "tests/fuzz_targets.h"

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include "apps/classify/model_file.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/probabilities.h"
#include "autograd/ops.h"
#include "data/clean.h"
#include "data/readers.h"
#include "data/utf8.h"
#include "data/words.h"
#include "nn/safetensors.h"
#include "tensor/error.h"

namespace gradus {

namespace {

void promise(bool kept, const char* what) {
  if (!kept) throw std::logic_error(what);
}

// Several ways to read the same bytes, each tried; throws Error where all of them refuse.
void try_each(const std::vector<std::function<void()>>& ways) {
  std::exception_ptr refused;
  std::size_t refusals = 0;
  for (const auto& read : ways) {
    try {
      read();
    } catch (const Error&) {
      refused = std::current_exception();
      ++refusals;
    }
  }
  if (refusals == ways.size()) std::rethrow_exception(refused);
}

// Bytes in a file of their own, which goes with it. Files are mapped, so none is ever written twice.
class OnDisk {
 public:
  explicit OnDisk(const std::string& bytes) : OnDisk() {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  OnDisk()
      : path_(std::filesystem::temp_directory_path() /
              ("gradus-fuzz-" + std::to_string(getpid()) + "-" + std::to_string(++made_))) {}
  ~OnDisk() { std::filesystem::remove(path_); }
  OnDisk(const OnDisk&) = delete;
  OnDisk& operator=(const OnDisk&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  static inline int made_ = 0;
  std::filesystem::path path_;
};

// ---- Text ----

std::vector<std::string> texts() {
  return {
      "Didn't like it... 3/10! <b>Really</b>&amp;<br />not &#x27;good&#x27;",
      "<!-- a --><script>if (a < b) c();</script><style>p {}</style><p class='x'>\xc3\xa9t\xc3\xa9",
      "\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa \xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82 "
      "\xf0\x9f\x98\x80 \xe2\x80\x9cquoted\xe2\x80\x9d \x93 e\xcc\x81"};
}

void fuzz_clean(const std::string& bytes) {
  const std::string clean = data::clean_text(bytes);
  promise(clean.find("  ") == std::string::npos, "single spaces");
  promise(clean.empty() || (clean.front() != ' ' && clean.back() != ' '), "trimmed");
  for (std::size_t i = 0; i < clean.size();) {
    const char32_t c = data::next_code_point(clean, i);
    promise(c != data::kInvalid, "valid UTF-8");
    promise(c >= 0x20 && c != 0x7F, "no control characters");
  }
}

void fuzz_words(const std::string& bytes) {
  const data::Words words = data::split_words(bytes);
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const data::Words::Range range = words.range(i);
    promise(range.begin >= end && range.begin < range.end && range.end <= bytes.size(),
            "words lie one behind the other");
    promise(!words[i].empty(), "a word has letters");
    end = range.end;
  }
}

// ---- Data sets ----

void read_as(const std::string& name, const std::string& bytes) {
  const auto read = [&](bool labels) {
    const data::Files files{{{name, bytes}}, data::Files::Kind::file};
    for (const data::Row& row : data::read_rows(files, {}, labels, name).rows) {
      promise(row.line > 0 && row.text.size() <= data::kMaxTextBytes, "where a text stands");
    }
  };
  try_each({[&] { read(true); }, [&] { read(false); }});
}

std::vector<std::string> csv_seeds() {
  return {"text,label\n\"a, \"\"b\"\"\nc\",pos\nd,neg\n",
          "\xef\xbb\xbfid;review;sentiment\r\n1;a;0\r\n"};
}
std::vector<std::string> tsv_seeds() {
  return {"label\ttext\npos\tgood\nneg\t\"bad\"\n", "pos\tgood\nneg\tbad\n"};
}
std::vector<std::string> jsonl_seeds() {
  return {
      "{\"text\": \"a\\u00e9\\ud83d\\ude00\", \"label\": 1, \"more\": [null, {}]}\n"
      "{\"text\": \"b\", \"label\": \"no\"}\n"};
}
std::vector<std::string> lines_seeds() {
  return {"__label__pos so good\n__label__neg so bad\n", "one text\r\nand another\n"};
}
std::vector<std::string> wordnet_seeds() {
  return {
      "  1 This software\n"
      "00001740 13 n 02 food 0 nutrient 0 001 @ 00001930 n 0000 | any substance; \"food is "
      "good\"\n"};
}

// ---- Tensors and models ----

std::vector<std::string> safetensors_seeds() {
  const OnDisk file;
  nn::save(file.path(),
           {{"a", arange(6, {.dtype = DType::f64})},
            {"b.weight", ones({2, 3})},
            {"c", zeros({0, 4}, {.dtype = DType::i32})},
            {"d", tensor({1, 0}) > 0}},
           {{"key", "value"}});
  return {file.bytes()};
}

void fuzz_safetensors(const std::string& bytes) {
  const OnDisk file(bytes), copy;
  const nn::Checkpoint first = nn::load(file.path());
  std::size_t size = 0;
  for (const auto& [name, x] : first.tensors) {
    size += static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
  }
  promise(size <= 2 * bytes.size(), "no more numbers than are there (16 bits become 32)");
  nn::save(copy.path(), first.tensors, first.metadata);
  const nn::Checkpoint second = nn::load(copy.path());
  promise(second.metadata == first.metadata && second.tensors.size() == first.tensors.size(),
          "what was read can be written and read again");
}

std::vector<std::string> model_seeds() {
  std::vector<std::string> seeds;
  for (const classify::EncoderKind kind :
       {classify::EncoderKind::ngram, classify::EncoderKind::transformer}) {
    classify::Config config = classify::defaults_of(kind);
    config.vocabulary = 3;
    config.ngrams = kind == classify::EncoderKind::ngram ? 2 : 0;
    config.classes = 2;
    config.attention_size = config.hidden_size = 4;
    config.heads = 2;
    classify::SavedModel saved;
    saved.vocabulary = data::Vocabulary({"<unk>", "good", "bad"});
    saved.labels = {"neg", "pos"};
    saved.model = classify::make_classifier(config);
    if (auto* ngram = dynamic_cast<classify::NgramClassifier*>(saved.model.get())) {
      saved.ngrams = data::Ngrams({{1}, {2}}, 3, {});
      ngram->set_ngrams(saved.ngrams);
    }
    const OnDisk file;
    classify::save_model(file.path(), saved);
    seeds.push_back(file.bytes());
  }
  return seeds;
}

void fuzz_model(const std::string& bytes) {
  const OnDisk file(bytes);
  const classify::SavedModel saved = classify::load_model(file.path());
  const std::vector<data::Text> texts{{"a good film, not bad", 0}, {"bad", 0}};
  const auto p = classify::probabilities(*saved.model, classify::encode(saved, texts));
  promise(p.size() == 2 * saved.labels.size(), "a probability for each class");
}

// ---- Equations ----

std::vector<std::string> equations() { return {"ij,jk->ik", "...i,ij", "ii->i", "ij->"}; }

void fuzz_einsum(const std::string& bytes) {
  const Tensor a = reshape(arange(9), {3, 3});
  const auto compute = [&](const std::vector<Tensor>& operands) {
    promise(einsum(bytes, operands).numel() <= 81, "two matrices have four axes of size 3");
  };
  try_each({[&] { compute({a}); }, [&] { compute({a, a}); }});
}

}  // namespace

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> targets{
      {"clean", texts, fuzz_clean},
      {"words", texts, fuzz_words},
      {"csv", csv_seeds, [](const std::string& bytes) { read_as("a.csv", bytes); }},
      {"tsv", tsv_seeds, [](const std::string& bytes) { read_as("a.tsv", bytes); }},
      {"jsonl", jsonl_seeds, [](const std::string& bytes) { read_as("a.jsonl", bytes); }},
      {"lines", lines_seeds, [](const std::string& bytes) { read_as("a.txt", bytes); }},
      {"wordnet", wordnet_seeds, [](const std::string& bytes) { read_as("data.noun", bytes); }},
      {"safetensors", safetensors_seeds, fuzz_safetensors},
      {"model", model_seeds, fuzz_model},
      {"einsum", equations, fuzz_einsum},
  };
  return targets;
}

void fuzz(const FuzzTarget& target, const std::string& bytes) {
  try {
    target.run(bytes);
  } catch (const Error&) {
  }
}

}  // namespace gradus
