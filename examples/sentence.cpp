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

  // All words ask at once, and the gradients of that by hand: S = Q K^T / root, W = softmax(S), Y = W V.
  Tensor Q = words.detach().set_requires_grad(), K = words.detach().set_requires_grad(),
         V = words.detach().set_requires_grad();
  Tensor G = tensor({{0, 0}, {1, 0}, {0, 0}, {0, 0}, {0, 0}});  // dL/dY of L = bank's water
  backward(attention(Q, K, V), {.gradient = G});
  NoGrad off;
  Tensor W = softmax(matmul(Q, transpose(K)) / root);
  Tensor dV = matmul(transpose(W), G), dW = matmul(G, transpose(V));
  Tensor dS = W * (dW - sum(W * dW, -1, true));
  Tensor dQ = matmul(dS, K) / root, dK = matmul(transpose(dS), Q) / root;
  const auto close = [](const Tensor& a, const Tensor& b) { return allclose(a, b, 1e-5, 1e-6); };
  const bool same = close(dQ, Q.grad()) && close(dK, K.grad()) && close(dV, V.grad());
  std::cout << "d water / d query " << dQ[1] << "\n";
  std::cout << "by hand as by autograd: " << std::boolalpha << same << "\n";
  return same ? 0 : 1;
}
