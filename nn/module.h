// Modules: the parts of a model, which own its parameters. A module is a value that can be called.
// Its visit() names its parameters and children, and everything else follows from that:
// parameters(), saving, train and eval mode, printing, and the paths in error messages.
//
//   struct Classifier : nn::Module {
//     nn::Embedding embed;
//     nn::ModuleList<nn::TransformerEncoderLayer> blocks;
//     nn::Linear head;
//     Classifier() : embed(20000, 128), blocks(2, 128, 4), head(128, 2) {}
//     Tensor operator()(const Tensor& tokens, const Segments& texts) const { ... }
//     void visit(nn::Visitor& v) override {
//       v("embed", embed);
//       v("blocks", blocks);        // "blocks.0.self_attn.in_proj_weight", ...
//       v("head", head);
//     }
//   };
//
// Copying a module copies handles: like two Tensors, both copies share parameters and gradients.
// clone(model) makes an independent copy. A parameter that visit() names twice is one parameter
// (tied weights).
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/compute.h"
#include "tensor/tensor.h"

namespace gradus::nn {

class Module;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// The argument of visit(). It walks down to the children, joins names with dots, and calls the
// callbacks that are set.
class Visitor {
 public:
  void operator()(const std::string& name, Module& child);
  void operator()(const std::string& name, Tensor& parameter);  // undefined ones are skipped
  // A tensor that is saved with the model but not learned.
  void buffer(const std::string& name, Tensor& buffer);
  // A list of modules or parameters, named "name.0", "name.1" and so on.
  template <class T>
  void operator()(const std::string& name, std::vector<T>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) (*this)(name + "." + std::to_string(i), list[i]);
  }

  // Names are relative to the module at which the walk began, whose own name is "".
  using OnModule = std::function<void(const std::string& name, Module&)>;
  using OnTensor = std::function<void(const std::string& name, Tensor&)>;
  OnModule on_module;  // called before the module's own parameters and children
  OnTensor on_parameter;
  OnTensor on_buffer;

 private:
  friend class Module;
  void enter(const std::string& name, Module& module);

  std::string prefix_;  // "" or ends with a dot
  std::string base_;    // the path of the module at which the walk began, likewise
};

class Module {
 public:
  virtual ~Module() = default;

  // Names every parameter, buffer and child.
  virtual void visit(Visitor&) {}
  // The name of the class without namespaces, for messages.
  virtual std::string type() const;
  // Sizes and options such as "128 -> 10", for printing.
  virtual std::string detail() const { return ""; }

  // Switches this module and its children to training mode (the initial one) or evaluation mode.
  // Dropout and batch normalisation behave differently in the two.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // In the order of visit(), each once.
  std::vector<Tensor> parameters() const;
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  // Parameters and buffers under all their names, as save() writes them (PyTorch's state_dict).
  NamedTensors state() const;
  std::int64_t parameter_count() const;

  void zero_grad() const;
  // `false` freezes the module and its copies: no gradients are computed for its parameters, and
  // optimizers, made before or after, skip them until it is set to true again.
  //
  //   model.encoder.set_requires_grad(false);
  void set_requires_grad(bool on);
  // Replaces every parameter and floating-point buffer by a copy with another dtype or on another
  // backend. Earlier copies of this module no longer share its parameters. Make optimizers after.
  void to(TensorOptions options);
  // Replaces every parameter and buffer x by f(name, x), likewise. Tied parameters stay tied: f is
  // called once, with the first of their names.
  void replace(const std::function<Tensor(const std::string& name, const Tensor& x)>& f);

  // Walks down with the visitor, and tells every module its path on the way.
  void walk(Visitor visitor) const;

 protected:
  Module() = default;
  Module(const Module& other) : training_(other.training_), path_(other.path()) {}
  Module& operator=(const Module& other) { return *this = Module(other); }
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;

  // "encoder.2 (Linear)", which begins error messages. The path is known once something has walked
  // down from the whole model (parameters(), train(), a loader); before that, it is just "Linear".
  std::string location() const;
  // Computes f(). Errors thrown inside get location() in front, and watchers (nn/watch.h) see a
  // Tensor that f returns. Wrap the body of your operator() in it:
  //
  //   return located([&] { return linear(x, weight, bias); });
  template <class F>
  auto located(F f) const {
    try {
      if constexpr (std::is_same_v<decltype(f()), Tensor>) {
        return watched(f());
      } else {
        return f();
      }
    } catch (...) {
      rethrow();
    }
  }
  // y as the watchers return it.
  Tensor watched(const Tensor& y) const;

 private:
  friend class Visitor;
  [[noreturn]] void rethrow() const;
  std::string path() const;  // safe while other threads walk down

  bool training_ = true;
  mutable std::string path_;
};

// `values` as a parameter: a leaf that requires gradients.
Tensor parameter(Tensor values);

// An independent copy: the same values, but parameters of its own.
template <class M>
M clone(const M& module) {
  M copy = module;
  copy.replace([](const std::string&, const Tensor& x) { return compute::copy(x); });
  return copy;
}

// Finds parameters forgotten in visit(): the shapes of leaves that gradients of `loss` flow to but
// that the model does not name. Call it before backward(), which frees the graph.
std::vector<Shape> missing_parameters(const Tensor& loss, const Module& model);
// Throws Error, listing the shapes, if there are any.
void check_parameters(const Tensor& loss, const Module& model);

// The tree of modules, with types, shapes and numbers of parameters. Frozen and tied parameters are
// marked; tied ones count once. summary() (nn/watch.h) also shows the shapes of outputs.
std::string to_string(const Module& module);
std::ostream& operator<<(std::ostream& out, const Module& module);
void print(const Module& module);  // to standard output

}  // namespace gradus::nn
