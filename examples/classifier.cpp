// A text classifier with attention, whole: words to numbers, packed batches, a model, training, and
// which words it looked at. Course, chapter 7.

#include <gradus/data/vocabulary.h>
#include <gradus/data/words.h>
#include <gradus/gradus.h>

#include <cstdio>
#include <iostream>

using namespace gradus;
using data::Text;

const std::vector<Text> kTrain{
    {"A wonderful film, I loved every minute.", 1},
    {"The acting is superb and the story moved me.", 1},
    {"Great fun for the whole family!", 1},
    {"I loved the music, and the ending is great.", 1},
    {"A superb story, wonderful from the first minute to the last.", 1},
    {"The film is fun and the actors are wonderful.", 1},
    {"A great cast, and I laughed for an hour.", 1},
    {"Moved me to tears; superb music.", 1},
    {"A boring film, I hated every minute.", 0},
    {"The acting is awful and the story bored me.", 0},
    {"A waste of time for the whole family!", 0},
    {"I hated the music, and the ending is awful.", 0},
    {"A dull story, boring from the first minute to the last.", 0},
    {"The film is dull and the actors are terrible.", 0},
    {"A terrible cast, and I slept for an hour.", 0},
    {"Bored me to tears; awful music.", 0},
};
const std::vector<Text> kHeldOut{
    {"The story is great and I loved the actors.", 1},
    {"Superb! The whole cast is wonderful.", 1},
    {"The ending is boring and the cast is terrible.", 0},
    {"I hated the first hour, what a waste.", 0},
};

// Texts one after another, without padding.
struct Batch {
  Tensor tokens;   // i32 [rows]
  Segments texts;  // where each begins and ends
  Tensor labels;   // i32 [texts]
};

Batch make_batch(const std::vector<Text>& texts, const data::Vocabulary& vocabulary) {
  std::vector<std::int32_t> tokens, offsets{0}, labels;
  for (const Text& text : texts) {
    vocabulary.encode(data::split_words(text.text), tokens);
    offsets.push_back(static_cast<std::int32_t>(tokens.size()));
    labels.push_back(text.label);
  }
  return {from_vector(tokens, {std::ssize(tokens)}), Segments(offsets),
          from_vector(labels, {std::ssize(labels)})};
}

struct Classifier : nn::Module {
  nn::Embedding embed;
  nn::Attention attend;
  nn::Linear wide, classes;

  Classifier(std::int64_t words, std::int64_t dim)
      : embed(words, dim, {.deviation = 0.1}),
        attend(dim, {.score = Score::euclidean}),
        wide(dim, 32),
        classes(32, 2) {}

  struct Output {
    Tensor logits;   // [texts, 2]
    Tensor weights;  // [rows, 1]: how much each word counted in its text
  };
  Output operator()(const Batch& batch) const {
    const Tensor x = embed(batch.tokens);                         // [rows, dim]
    const auto [context, weights] = attend.pool(x, batch.texts);  // [texts, dim]
    return {classes(wide(context, UnaryOp::relu)), weights};
  }
  void visit(nn::Visitor& v) override {
    v("embed", embed);
    v("attend", attend);
    v("wide", wide);
    v("classes", classes);
  }
};

double accuracy(const Classifier& model, const Batch& batch) {
  const NoGrad off;
  return mean(cast(argmax(model(batch).logits) == batch.labels, DType::f32)).item();
}

int main() {
  const data::Vocabulary vocabulary = data::Vocabulary::of_texts(kTrain, 1000);
  const Batch train = make_batch(kTrain, vocabulary), held_out = make_batch(kHeldOut, vocabulary);
  std::cout << train.texts.count() << " texts, " << train.texts.rows() << " tokens, "
            << vocabulary.size() << " words\n";

  manual_seed(1);
  Classifier model(vocabulary.size(), 16);
  nn::print(model);
  optim::AdamW optimizer(model.parameters(), {.lr = 0.01});
  for (int step = 0; step <= 60; ++step) {
    const Tensor loss = nn::cross_entropy(model(train).logits, train.labels);
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm(model.parameters(), 1);
    optimizer.step();
    if (step % 20 == 0) std::printf("step %2d  loss %.2f\n", step, loss.item());
  }
  std::printf("accuracy: %.2f on its texts, %.2f on texts held out\n", accuracy(model, train),
              accuracy(model, held_out));

  const std::string sentence = "The story is great and I loved the actors.";
  const Batch one = make_batch({{sentence, 1}}, vocabulary);
  const NoGrad off;
  const auto [logits, weights] = model(one);
  std::printf("positive: %.2f\n", softmax(logits).to_vector<float>()[1]);
  const data::Words words = data::split_words(sentence);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::printf("%5.2f  %s\n", weights.to_vector<float>()[i], std::string(words[i]).c_str());
  }
  return accuracy(model, held_out) == 1 ? 0 : 1;
}
