// A model as text:
//
//   Sequential                                          101,770
//     0: Linear(784 -> 128)                             100,480   weight [128, 784], bias [128]
//     1: ReLU
//     2: Linear(128 -> 10)                                1,290   weight [10, 128], bias [10]
//
// and, where a run was watched, the shape of each output before the parameters.

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "autograd/autograd.h"
#include "nn/watch.h"

namespace gradus::nn {

namespace {

struct Line {
  std::string title;
  std::int64_t count = 0;  // of parameters, those of children included
  std::string output{};    // its shape
  std::string tensors{};   // the module's own
};

// 1234567 as "1,234,567".
std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

using Shapes = std::map<std::string, Shape>;

class Summary {
 public:
  explicit Summary(const Module& module, const Shapes& outputs = {}) {
    Visitor v;
    v.on_module = [&](const std::string& name, Module& m) {
      const std::string local = open(name);
      const std::string detail = m.detail().empty() ? "" : "(" + m.detail() + ")";
      lines_.push_back({std::string(2 * inside_.size(), ' ') + local + (local.empty() ? "" : ": ") +
                        m.type() + detail});
      const auto output = outputs.find(name);
      if (output != outputs.end()) lines_.back().output = "-> " + to_string(output->second);
      inside_.emplace_back(name.empty() ? "" : name + ".", lines_.size() - 1);
    };
    std::set<std::string> first;  // each parameter's first name: under others it is tied
    for (const auto& [name, x] : module.named_parameters()) first.insert(name);
    v.on_parameter = [&](const std::string& name, Tensor& x) {
      const bool tied = !first.contains(name);
      add_tensor(open(name) + " " + to_string(x.shape()) + (tied ? " (tied)" : "") +
                 (x.requires_grad() ? "" : " (frozen)"));
      if (tied) return;
      for (const auto& [prefix, line] : inside_) lines_[line].count += x.numel();
    };
    v.on_buffer = [this](const std::string& name, Tensor& x) {
      add_tensor(open(name) + " " + to_string(x.shape()) + " (not learned)");
    };
    module.walk(v);
  }

  std::string text() const {
    std::size_t title = 0, output = 0;  // widths
    for (const Line& line : lines_) {
      title = std::max(title, line.title.size());
      output = std::max(output, line.output.size());
    }
    std::string out;
    for (const Line& line : lines_) {
      std::string row = fmt::format("{:<{}}  {:>13}   {:<{}}{}{}", line.title, title,
                                    line.count > 0 ? with_commas(line.count) : "", line.output,
                                    output, output > 0 ? "   " : "", line.tensors);
      row.erase(row.find_last_not_of(' ') + 1);
      out += row + "\n";
    }
    return out;
  }

 private:
  // Leaves the modules that `name` is not within; what remains of the name.
  std::string open(const std::string& name) {
    while (!inside_.empty() && !name.starts_with(inside_.back().first)) inside_.pop_back();
    return inside_.empty() ? name : name.substr(inside_.back().first.size());
  }
  void add_tensor(const std::string& text) {
    std::string& tensors = lines_[inside_.back().second].tensors;
    tensors += (tensors.empty() ? "" : ", ") + text;
  }

  std::vector<Line> lines_;
  std::vector<std::pair<std::string, std::size_t>> inside_;  // prefixes and lines, outermost first
};

}  // namespace

std::string to_string(const Module& module) { return Summary(module).text(); }
std::ostream& operator<<(std::ostream& out, const Module& module) {
  return out << to_string(module);
}
void print(const Module& module) { std::cout << module; }

std::string summary(const Module& model, const std::function<void()>& run) {
  Shapes outputs;
  {
    const NoGrad off;
    const Watch watch(model, [&](const std::string& name, const Tensor& y) {
      outputs[name] = y.shape();
      return y;
    });
    run();
  }
  return Summary(model, outputs).text();
}

}  // namespace gradus::nn
