// Several heads, and who may look where. Course, chapter 6.

#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

// [time, heads * d] -> [heads, time, d], and back.
Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return transpose(reshape(x, {x.size(0), heads, x.size(1) / heads}), 0, 1);
}
Tensor join_heads(const Tensor& x) { return flatten(transpose(x, 0, 1), 1); }

int main() {
  // Three words with four features.
  Tensor x = tensor({{2, 0, 0, 1}, {1, 1, 0, 3}, {0, 2, 1, 0}});
  std::cout << "one head, word 0 looks at   " << select(attention_weights(x, x), 0, 0) << "\n";
  Tensor h = split_heads(x, 2);
  Tensor weights = attention_weights(h, h);  // [heads, time, time]
  std::cout << "two heads: " << to_string(h.shape()) << ", weights " << to_string(weights.shape())
            << "\n";
  std::cout << "head 0, word 0 looks at     " << select(select(weights, 0, 0), 0, 0) << "\n";
  std::cout << "head 1, word 0 looks at     " << select(select(weights, 0, 1), 0, 0) << "\n";
  std::cout << "joined\n" << join_heads(attention(h, h, h)) << "\n";

  // The module: projections before, heads, a projection after.
  nn::MultiheadAttention mix(4, 2);
  const auto project = [&](int part) {  // 0: queries, 1: keys, 2: values
    return linear(x, slice(mix.in_proj_weight, 0, 4 * part, 4 * part + 4),
                  slice(mix.in_proj_bias, 0, 4 * part, 4 * part + 4));
  };
  const Tensor q = split_heads(project(0), 2), k = split_heads(project(1), 2),
               v = split_heads(project(2), 2);
  Tensor by_hand = mix.out_proj(join_heads(attention(q, k, v)));
  Tensor by_module = squeeze(mix(unsqueeze(x, 0)), 0);  // a batch of one
  std::cout << "parameters " << mix.parameter_count() << ", the same by hand: " << std::boolalpha
            << (max(abs(by_hand - by_module)).item() < 1e-6) << "\n";

  // Masks. All scores are equal, so the weights show who is seen.
  Tensor blank = zeros({3, 2});
  std::cout << "causal\n" << attention_weights(blank, blank, {.causal = true}) << "\n";
  Tensor real = tensor({1, 1, 0}) > 0;  // the third word is padding
  std::cout << "padded\n" << attention_weights(blank, blank, {.mask = real}) << "\n";
  Tensor nothing = tensor({0, 0, 0}) > 0;
  std::cout << "nothing to look at " << select(attention(x, x, x, {.mask = nothing}), 0, 0) << "\n";

  // Two texts, of two words and of one: padded with a mask, and packed.
  Tensor padded = stack({slice(x, 0, 0, 2), pad(slice(x, 0, 2, 3), 0, 0, 1)});  // [2, 2, 4]
  Tensor mask = tensor({{{1, 1}}, {{1, 0}}}) > 0;                               // [2, 1, 2]
  std::cout << "padded\n" << attention(padded, padded, padded, {.mask = mask}) << "\n";
  Tensor packed = unsqueeze(x, 1);  // [rows, one head, 4]
  std::cout << "packed\n"
            << squeeze(attention(packed, packed, packed, Segments({0, 2, 3})), 1) << "\n";
}
