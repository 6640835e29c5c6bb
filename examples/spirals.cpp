// A model of your own: it learns to tell two spirals apart, which no straight line can. Course, chapter 4.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

struct Spirals : nn::Module {
  nn::Linear in{2, 64}, middle{64, 64}, out{64, 2};

  Tensor operator()(const Tensor& x) const { return out(tanh(middle(tanh(in(x))))); }
  void visit(nn::Visitor& v) override {
    v("in", in);
    v("middle", middle);
    v("out", out);
  }
};

// The plane around the spirals, one character for each place: the arm to which the model assigns it.
void draw(const Spirals& model) {
  const Shape plane{25, 50};
  const Tensor across = linspace(-7, 7, 50), down = unsqueeze(linspace(7, -7, 25), 1);
  const Tensor places = stack({expand(across, plane), expand(down, plane)}, -1);  // [25, 50, 2]
  int written = 0;
  for (const std::int32_t arm : argmax(model(places)).to_vector<std::int32_t>()) {
    std::cout << (arm == 0 ? '.' : '#') << (++written % 50 == 0 ? "\n" : "");
  }
}

int main() {
  std::vector<float> points;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 200; ++i) {
    const float turn = 0.5F + 0.03F * static_cast<float>(i);
    for (const int arm : {0, 1}) {
      const float radius = arm == 0 ? turn : -turn;
      points.push_back(radius * std::cos(turn));
      points.push_back(radius * std::sin(turn));
      labels.push_back(arm);
    }
  }
  const Tensor x = from_vector(points, {400, 2}), y = from_vector(labels, {400});

  manual_seed(1);
  Spirals model;
  nn::print(model);
  optim::AdamW optimizer(model.parameters(), {.lr = 0.01});
  for (int step = 0; step <= 400; ++step) {
    const Tensor loss = nn::cross_entropy(model(x), y);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if (step % 100 == 0) std::cout << "step " << step << "  loss " << loss << "\n";
  }
  const Tensor right = argmax(model(x)) == y;
  const double accuracy = mean(cast(right, DType::f32)).item();
  std::cout << "accuracy " << accuracy << "\n";
  draw(model);
  return accuracy > 0.99 ? 0 : 1;
}
