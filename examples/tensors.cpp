// One row of numbers in memory, and many tensors that look at it. Course, chapter 1.

#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

void show(const char* what, const Tensor& x) {
  std::cout << what << ": shape " << to_string(x.shape()) << ", strides";
  for (int axis = 0; axis < x.rank(); ++axis) std::cout << " " << x.layout().stride(axis);
  std::cout << ", offset " << x.layout().offset << "\n" << x << "\n";
}

bool share_memory(const Tensor& a, const Tensor& b) { return a.view().buffer == b.view().buffer; }

int main() {
  Tensor a = reshape(arange(6), {2, 3});
  show("a", a);

  show("transposed", transpose(a));
  show("column 1", select(a, 1, 1));
  show("columns 0 and 2", slice(a, 1, 0, 3, 2));

  Tensor row = tensor({10, 20, 30});
  show("row", row);
  show("row, seen twice", expand(row, {2, 3}));
  std::cout << "a + row\n" << a + row << "\n";

  Tensor flat = reshape(transpose(a), {6});
  show("transposed and flat", flat);
  std::cout << std::boolalpha;
  std::cout << "transpose shares memory: " << share_memory(a, transpose(a)) << "\n";
  std::cout << "flat shares memory: " << share_memory(a, flat) << "\n";

  std::cout << "sum over axis 0: " << sum(a, 0) << "\n";
  std::cout << "sum over axis 1: " << sum(a, 1) << "\n";
  try {
    a + tensor({1, 2});
  } catch (const ShapeError& error) {
    std::cout << error.what() << "\n";
  }
}
