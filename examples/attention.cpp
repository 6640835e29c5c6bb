// Attention is a weighted average: a query looks at some keys, and the better a key fits, the more of
// its value goes into the answer. Here by hand on three words, then by the library.

#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

int main() {
  // Three words as points in the plane; what each has to say is one number.
  Tensor keys = tensor({{1, 0}, {0, 1}, {3, 3}});
  Tensor values = tensor({{10}, {20}, {30}});
  Tensor query = tensor({{1, 0}});

  Tensor scores = matmul(query, transpose(keys)) / 1.41421356;  // q.k / sqrt(d), d = 2
  Tensor weights = softmax(scores);
  std::cout << "dot product  weights " << weights << "  answer " << matmul(weights, values) << "\n";
  std::cout << "  by attention()     " << attention(query, keys, values) << "\n";

  // The dot product favours long keys: the third word wins although the first is exactly what was asked
  // for. The Euclidean score, -||q - k||^2 / (2 sqrt(d)), favours near ones.
  AttentionOptions euclidean{.score = Score::euclidean};
  std::cout << "euclidean    weights " << attention_weights(query, keys, euclidean) << "  answer "
            << attention(query, keys, values, euclidean) << "\n";

  // -||q - k||^2 / 2 = q.k - ||k||^2 / 2 - ||q||^2 / 2, and the last term is the same for every key:
  // softmax cancels it. So this is the dot product with a bias for each key.
  Tensor bias = -0.5 * sum(square(keys), 1);
  Tensor same = softmax((matmul(query, transpose(keys)) + bias) / 1.41421356);
  std::cout << "  by dot + bias      " << same << "\n";

  // Two texts of different length in one packed batch: the first two words, and the last one.
  Tensor packed = reshape(keys, {3, 1, 2});  // [rows, heads, d]
  std::cout << "packed\n"
            << flatten(attention(packed, packed, packed, Segments({0, 2, 3})), 1, 2) << "\n";
}
