#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/wrong_texts.h"
#include "data/split.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

// The texts' labels as numbers of the model, which may know them in another order.
void translate_labels(std::vector<data::Text>& texts, const std::vector<std::string>& from,
                      const std::vector<std::string>& to) {
  std::vector<std::ptrdiff_t> number;  // that of none: the size of `to`
  for (const std::string& label : from) {
    number.push_back(std::find(to.begin(), to.end(), label) - to.begin());
  }
  for (data::Text& text : texts) {
    const auto label = static_cast<std::size_t>(text.label);
    if (number[label] == std::ssize(to)) {
      throw Error(
          fmt::format("[eval] the data has texts labelled '{}', which the model does not know; "
                      "it knows: {}",
                      from[label], fmt::join(to, ", ")));
    }
    text.label = static_cast<std::int32_t>(number[label]);
  }
}

}  // namespace

void run_eval(const EvalOptions& options) {
  const SavedModel saved = load_model(options.model);
  data::ReadOptions read = options.read;
  read.to_learn = false;
  data::Dataset dataset = data::read_dataset(options.data, read);
  const bool own_test = !dataset.test.empty();
  std::vector<data::Text>& texts = own_test ? dataset.test : dataset.train;
  data::clean(texts);
  const auto empty =
      std::ranges::count_if(texts, [](const auto& text) { return text.text.empty(); });
  translate_labels(texts, dataset.labels, saved.labels);
  const data::EncodedTexts encoded = encode(saved, texts);
  const std::vector<float> p = probabilities(*saved.model, encoded);
  const data::Metrics metrics = data::measure(p, encoded.labels, saved.labels);
  const std::vector<WrongText> wrong = wrong_texts(saved, texts, p, options.wrong);
  if (options.json) {
    auto json = nlohmann::ordered_json::parse(data::to_json(metrics));
    json["wrong"] = to_json(wrong, saved.labels);
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{} texts of {} ({}{})\n{}{}", texts.size(), options.data.string(),
               own_test ? "its test split"
                        : "all of it, the texts trained on included if it was trained on",
               empty > 0 ? fmt::format("; {} of them empty", empty) : "", data::to_text(metrics),
               to_text(wrong, saved.labels));
  }
}

}  // namespace gradus::classify
