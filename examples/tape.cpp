// Reverse-mode differentiation of plain numbers: a tape, and a walk back along it. Then the same with
// tensors, which must give the same slopes. Course, chapter 2.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

namespace scalar {

// One step of a computation: its result, and for each input where on the tape it is and the slope
// d(result)/d(input).
struct Entry {
  double value;
  std::vector<std::pair<std::size_t, double>> inputs;
};

std::vector<Entry> tape;

// A number that remembers where on the tape it was computed.
struct Number {
  std::size_t at;
  double value() const { return tape[at].value; }
};

Number record(double value, std::vector<std::pair<std::size_t, double>> inputs = {}) {
  tape.push_back({value, std::move(inputs)});
  return {tape.size() - 1};
}

Number operator+(Number a, Number b) {
  return record(a.value() + b.value(), {{a.at, 1}, {b.at, 1}});
}

Number operator-(Number a, Number b) {
  return record(a.value() - b.value(), {{a.at, 1}, {b.at, -1}});
}

Number operator*(Number a, Number b) {
  return record(a.value() * b.value(), {{a.at, b.value()}, {b.at, a.value()}});
}

Number tanh(Number a) {
  const double y = std::tanh(a.value());
  return record(y, {{a.at, 1 - y * y}});
}

// d(result)/d(entry) for every entry of the tape.
std::vector<double> backward(Number result) {
  std::vector<double> gradient(tape.size(), 0);
  gradient[result.at] = 1;
  for (std::size_t i = result.at + 1; i-- > 0;) {
    for (const auto& [input, slope] : tape[i].inputs) gradient[input] += gradient[i] * slope;
  }
  return gradient;
}

}  // namespace scalar

int main() {
  using scalar::Number;
  using scalar::record;
  const Number x = record(2), w = record(0.5), b = record(-1), t = record(1);
  const Number y = tanh(w * x + b);
  const Number d = y - t;
  const Number loss = d * d;
  const std::vector<double> gradient = scalar::backward(loss);
  for (std::size_t i = 0; i < scalar::tape.size(); ++i) {
    std::cout << "entry " << i << "  value " << scalar::tape[i].value << "  gradient "
              << gradient[i] << "\n";
  }
  std::cout << "dL/dw " << gradient[w.at] << "  dL/db " << gradient[b.at] << "\n";

  using namespace gradus;
  Tensor weight = tensor(0.5).set_requires_grad();
  Tensor bias = tensor(-1).set_requires_grad();
  Tensor error = tanh(weight * 2 + bias) - 1;
  Tensor same = error * error;
  same.backward();
  std::cout << "dL/dw " << weight.grad() << "  dL/db " << bias.grad() << "\n";

  // Three inputs at once: z = X w + b, and the gradient G of its elements.
  Tensor X = tensor({{1, 2}, {3, 4}, {5, 6}});
  Tensor W = tensor({{0.5}, {-0.25}}).set_requires_grad();
  Tensor B = tensor({0.1}).set_requires_grad();
  Tensor G = tensor({{1}, {0}, {-2}});
  backward(matmul(X, W) + B, {.gradient = G});
  std::cout << "dL/dW\n" << W.grad() << "\ndL/dB " << B.grad() << "\n";
  const bool agree = weight.grad().item() == gradient[w.at] && bias.grad().item() == gradient[b.at];
  return agree ? 0 : 1;
}
