// An operation and a module of your own, in one file. Course, chapter 8.

#include <gradus/autograd/node.h>
#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

// y = x / (1 + |x|), dy/dx = 1 / (1 + |x|)^2
Tensor softsign(const Tensor& x) {
  const Tensor v = x.detach();
  return record("softsign", v / (1 + abs(v)),
                edge(x, [x](const Tensor& g) { return g / square(1 + abs(x)); }));
}

// y = (W x + b) * softsign(V x + c): one half says what, the other how much.
struct Gate : nn::Module {
  nn::Linear what, how_much;

  Gate(std::int64_t in, std::int64_t out) : what(in, out), how_much(in, out) {}
  Tensor operator()(const Tensor& x) const { return what(x) * softsign(how_much(x)); }
  void visit(nn::Visitor& v) override {
    v("what", what);
    v("how_much", how_much);
  }
};

int main() {
  Tensor x = tensor({-3, -1, 0, 1, 3}).set_requires_grad();
  const Tensor y = softsign(x);
  sum(y).backward();
  std::cout << "softsign  " << y << "\nslope     " << x.grad() << "\n";

  const auto f = [](const auto& in) { return softsign(in[0]); };
  const Tensor points = tensor({-2, -0.5, 0.5, 2}, {.dtype = DType::f64});
  const bool once = gradcheck(f, {points}).ok, twice = gradgradcheck(f, {points}).ok;
  std::cout << std::boolalpha << "gradcheck " << once << ", of its gradient " << twice << "\n";

  nn::Sequential model{nn::Linear(4, 8), softsign, Gate(8, 2)};
  std::cout << model;
  try {
    model.at<Gate>(2)(zeros({1, 4}));
  } catch (const ShapeError& error) {
    std::cout << error.what() << "\n";
  }
  return once && twice ? 0 : 1;
}
