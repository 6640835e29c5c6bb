// A model that writes: a transformer that sees only what came before predicts the next token, then the
// one after it. It learns to sort digits, from examples alone. Course, chapter 6.

#include <gradus/gradus.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

using namespace gradus;

constexpr std::int64_t kCount = 6;  // digits to sort
using Tokens = std::vector<std::int32_t>;

// Six digits followed by the same, sorted: 12 tokens.
Tokens make_text() {
  Tokens text = randint(0, 10, {kCount}).to_vector<std::int32_t>();
  Tokens sorted = text;
  std::ranges::sort(sorted);
  text.insert(text.end(), sorted.begin(), sorted.end());
  return text;
}

struct Writer : nn::Module {
  nn::Embedding embed{10, 64};
  nn::ModuleList<nn::TransformerEncoderLayer> layers{2, 64, 4,
                                                     nn::TransformerOptions{.dropout = 0}};
  nn::LayerNorm norm{64};
  nn::Linear guess{64, 10};

  // For each row, what comes after it: [rows, 10] logits.
  Tensor operator()(const Tensor& tokens, const Segments& texts) const {
    Tensor x = embed(tokens) + nn::sinusoidal_positions(texts, 64);
    for (const auto& layer : layers) x = layer(x, texts, /*causal=*/true);
    return guess(norm(x));
  }
  void visit(nn::Visitor& v) override {
    v("embed", embed), v("layers", layers), v("norm", norm), v("guess", guess);
  }
};

// A text teaches at all of its places at once: row i is asked for token i + 1. The given digits are random
// and cannot be predicted, so those places do not count.
Tensor loss_of(const Writer& model, std::int64_t batch) {
  constexpr std::int64_t kRows = 2 * kCount - 1;
  Tokens tokens, next;
  for (std::int64_t i = 0; i < batch; ++i) {
    const Tokens text = make_text();
    tokens.insert(tokens.end(), text.begin(), text.end() - 1);
    next.insert(next.end(), kCount - 1, -1);
    next.insert(next.end(), text.begin() + kCount, text.end());
  }
  const Tensor logits = model(from_vector(tokens, {batch * kRows}), Segments::equal(batch, kRows));
  return nn::cross_entropy(logits, from_vector(next, {batch * kRows}), {.ignore_index = -1});
}

// Writes the likeliest next token, reads what it has written, and so on.
Tokens write(const Writer& model, Tokens text) {
  NoGrad off;
  while (std::ssize(text) < 2 * kCount) {
    const auto rows = static_cast<std::int32_t>(text.size());
    const Tensor logits = model(from_vector(text, {rows}), Segments({0, rows}));
    text.push_back(static_cast<std::int32_t>(argmax(logits[-1]).item()));
  }
  return text;
}

std::string digits(const Tokens& text) {
  std::string all;
  for (const std::int32_t token : text) all += static_cast<char>('0' + token);
  return all.insert(kCount, " -> ");
}

int main() {
  manual_seed(1);
  Writer model;
  constexpr int kSteps = 300;
  optim::AdamW optimizer(model.parameters(), {.lr = 1e-3});
  const auto schedule = optim::cosine(kSteps);
  for (int step = 0; step < kSteps; ++step) {
    optimizer.set_lr_factor(schedule(step));
    optimizer.zero_grad();
    loss_of(model, 64).backward();
    optimizer.step();
  }
  for (const Tokens& begin : {Tokens{3, 1, 4, 1, 5, 9}, {2, 7, 1, 8, 2, 8}, {9, 8, 7, 6, 5, 4}}) {
    std::cout << digits(write(model, begin)) << "\n";
  }
  int right = 0;
  for (int i = 0; i < 100; ++i) {
    const Tokens text = make_text();
    right += write(model, Tokens(text.begin(), text.begin() + kCount)) == text;
  }
  std::cout << "of 100 others more than 90 right: " << std::boolalpha << (right > 90) << "\n";
}
