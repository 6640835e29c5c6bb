// A backend of your own: it lets another do the work and counts the calls. Course, chapter 8.

#include <gradus/gradus.h>

#include <iostream>
#include <map>

using namespace gradus;

class Counting : public Backend {
 public:
  std::string_view name() const override { return "counting"; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return on_.allocate(bytes); }
  void upload(const void* from, const View& out) override { on_.upload(from, out); }
  void download(const View& x, void* to) override { on_.download(x, to); }
  void fill(const View& out, double value) override {
    ++calls["fill"];
    on_.fill(out, value);
  }
  void unary(UnaryOp op, const View& x, const View& out) override {
    ++calls[name_of(op)];
    on_.unary(op, x, out);
  }
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    ++calls[name_of(op)];
    on_.binary(op, a, b, out);
  }
  void select(const View& cond, const View& a, const View& b, const View& out) override {
    ++calls["select"];
    on_.select(cond, a, b, out);
  }
  void reduce(ReduceOp op, const View& x, const View& out) override {
    ++calls[std::string("reduce by ") + name_of(op)];
    on_.reduce(op, x, out);
  }
  void matmul(const View& a, const View& b, const View& out) override {
    ++calls["matmul"];
    on_.matmul(a, b, out);
  }
  void gather(const View& table, const View& rows, const View& out) override {
    ++calls["gather"];
    on_.gather(table, rows, out);
  }
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override {
    ++calls["scatter"];
    on_.scatter(op, rows, src, table);
  }

  // An offer, taken only when wanted.
  bool softmax(const View& x, const View& y) override {
    if (!take_offers) return false;
    ++calls["softmax"];
    return on_.softmax(x, y);
  }

  std::map<std::string, int> calls;
  bool take_offers = false;

 private:
  Backend& on_ = backend("cpu");
};

int main() {
  register_backend("counting", [] { return std::make_unique<Counting>(); });
  auto& counting = dynamic_cast<Counting&>(backend("counting"));
  const Tensor x = tensor({{1, 2, 3}, {1, 1, 1}}, {.backend = &counting});
  for (const bool offers : {false, true}) {
    counting.take_offers = offers;
    counting.calls.clear();
    const Tensor y = softmax(x);
    std::cout << (offers ? "with" : "without") << " its kernel:";
    for (const auto& [call, times] : counting.calls) std::cout << "  " << times << " " << call;
    std::cout << "\n" << y << "\n";
  }
  try {
    x + tensor({1, 2, 3});
  } catch (const BackendError& error) {
    std::cout << error.what() << "\n";
  }
}
