// Modules: parts of a model that own parameters. A module is a value and a callable; one function,
// visit, names what it is made of, and everything else follows from that - parameters(), saving,
// train and eval mode, printing, and the paths that error messages begin with:
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
// Copying a module copies handles: both copies share parameters and their gradients, as two Tensors
// do. clone(model) makes an independent one. A parameter given out under two names is one parameter
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

// What visit() talks to. It walks down the children, joining names with dots, and reports what it
// meets to whichever callbacks are set.
class Visitor {
 public:
  void operator()(const std::string& name, Module& child);
  void operator()(const std::string& name, Tensor& parameter);  // undefined ones are passed over
  // A tensor that is saved with the model but not learned.
  void buffer(const std::string& name, Tensor& buffer);
  // Modules or parameters in a row, named "name.0", "name.1" and so on.
  template <class T>
  void operator()(const std::string& name, std::vector<T>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) (*this)(name + "." + std::to_string(i), list[i]);
  }

  // Names are relative to the module that the walk began at, which itself has the name "".
  using OnModule = std::function<void(const std::string& name, Module&)>;
  using OnTensor = std::function<void(const std::string& name, Tensor&)>;
  OnModule on_module;  // called before the module's own parameters and children
  OnTensor on_parameter;
  OnTensor on_buffer;

 private:
  friend class Module;
  void enter(const std::string& name, Module& module);

  std::string prefix_;  // "" or ends with a dot
  std::string base_;    // the path of the module that the walk began at, likewise
};

class Module {
 public:
  virtual ~Module() = default;

  // Names every parameter, buffer and child.
  virtual void visit(Visitor&) {}
  // For messages: the name of the class, without namespaces.
  virtual std::string type() const;
  // For printing: sizes and options, as "128 -> 10".
  virtual std::string detail() const { return ""; }

  // Training mode is on at first; dropout works in training mode only.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // In the order of visit, each once.
  std::vector<Tensor> parameters() const;
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  // What is saved: parameters and buffers under all their names.
  NamedTensors state() const;
  std::int64_t parameter_count() const;

  void zero_grad() const;
  // Whether the parameters learn. Off freezes the module and its copies: no gradients are computed for
  // it, and optimizers, made before or after, pass it by until it is on again.
  //
  //   model.encoder.set_requires_grad(false);
  void set_requires_grad(bool on);
  // Puts a copy of every parameter and floating buffer, of another dtype or on another backend (what
  // is not named stays), in its place. Modules copied from this one before no longer share parameters
  // with it, and optimizers have to be made after.
  void to(TensorOptions options);
  // The same with f(name, x) for every parameter and buffer x. Tied parameters stay tied, and are
  // asked for once, under the first of their names.
  void replace(const std::function<Tensor(const std::string& name, const Tensor& x)>& f);

  // Walks down with the visitor, and tells every module its path on the way.
  void walk(Visitor visitor) const;

 protected:
  Module() = default;
  Module(const Module& other) : training_(other.training_), path_(other.path()) {}
  Module& operator=(const Module& other) { return *this = Module(other); }
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;

  // "encoder.2 (Linear)": the beginning of an error message. The path is known once anything has
  // walked down from the whole model (parameters(), train(), a loader); before, it is "Linear".
  std::string location() const;
  // What a module computes, f(): an error that an operation throws there gets location() put before
  // it, and a Tensor that comes out is shown to those who watch the module (nn/watch.h).
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
  // y as those who watch leave it.
  Tensor watched(const Tensor& y) const;

 private:
  friend class Visitor;
  [[noreturn]] void rethrow() const;
  std::string path() const;  // read safely while other threads walk down

  bool training_ = true;
  mutable std::string path_;
};

// `values` as a parameter: a leaf that gradients are computed for.
Tensor parameter(Tensor values);

// An independent copy: same values, own parameters.
template <class M>
M clone(const M& module) {
  M copy = module;
  copy.replace([](const std::string&, const Tensor& x) { return compute::copy(x); });
  return copy;
}

// The shapes of leaves that gradients of `loss` flow to and that the model's visit() does not name:
// parts that were forgotten there. Call it before backward(), which frees the graph.
std::vector<Shape> missing_parameters(const Tensor& loss, const Module& model);
// Throws Error, listing their shapes, if there are any.
void check_parameters(const Tensor& loss, const Module& model);

// The tree of modules with types, shapes and numbers of parameters; frozen ones are marked,
// and tied ones, which count once.
// summary() shows the shapes of outputs, too (nn/watch.h).
std::string to_string(const Module& module);
std::ostream& operator<<(std::ostream& out, const Module& module);
void print(const Module& module);  // to standard output

}  // namespace gradus::nn
