// Attention on one sentence, from a weighted average to the library's one call. Course, chapter 5.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

int main() {
  // "muddy bank of the river": how much each word has to do with water, and with money.
  Tensor words = tensor({{2, 0}, {1, 1}, {0, 0}, {0, 0}, {3, 0}});
  Tensor bank = slice(words, 0, 1, 2);  // [1, 2]: the word that looks
  const double root = std::sqrt(2.0);   // of d = 2

  std::cout << "average " << mean(words, 0) << "\n";

  Tensor dot = matmul(bank, transpose(words)) / root;
  Tensor weights = softmax(dot);
  std::cout << "dot scores        " << dot << "\n";
  std::cout << "weights           " << weights << "\n";
  std::cout << "bank, in context  " << matmul(weights, words) << "\n";

  Tensor distance = squared_distance(bank, words) / (-2 * root);
  std::cout << "euclidean scores  " << distance << "\n";
  std::cout << "weights           " << softmax(distance) << "\n";
  std::cout << "bank, in context  " << matmul(softmax(distance), words) << "\n";

  Tensor key_bias = sum(square(words), 1) / (-2 * root);
  std::cout << "dot + key bias    " << dot + key_bias << "\n";
  std::cout << "weights           " << softmax(dot + key_bias) << "\n";
  std::cout << "difference        " << distance - (dot + key_bias) << "\n";

  std::cout << "in one call       " << attention(bank, words, words) << "\n";
  std::cout << "                  " << attention(bank, words, words, {.score = Score::euclidean})
            << "\n";

  // How the answer's water changes with each score.
  Tensor scores = dot.detach().set_requires_grad();
  Tensor water = select(matmul(softmax(scores), words), 1, 0);
  sum(water).backward();
  std::cout << "d water / d score " << scores.grad() << "\n";
}
