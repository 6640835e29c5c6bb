#include "nn/module.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <typeinfo>
#include <unordered_set>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "tensor/error.h"

namespace gradus::nn {

namespace {

// What makes two handles one parameter: the memory that they begin at.
using Place = std::pair<const Buffer*, std::int64_t>;
Place place(const Tensor& x) { return {x.view().buffer, x.layout().offset}; }

// Guards all paths: threads may walk down one model at the same time, and each writes them.
std::mutex paths;

}  // namespace

// ---- Walking ----

void Visitor::enter(const std::string& name, Module& module) {
  {
    std::lock_guard lock(paths);
    module.path_ = base_ + name;
  }
  if (on_module) on_module(name, module);
}

void Visitor::operator()(const std::string& name, Module& child) {
  enter(prefix_ + name, child);
  const std::string outer = prefix_;
  prefix_ += name + ".";
  child.visit(*this);
  prefix_ = outer;
}

void Visitor::operator()(const std::string& name, Tensor& parameter) {
  if (parameter.defined() && on_parameter) on_parameter(prefix_ + name, parameter);
}

void Visitor::buffer(const std::string& name, Tensor& buffer) {
  if (buffer.defined() && on_buffer) on_buffer(prefix_ + name, buffer);
}

// Naming changes nothing but paths, which are mutable; the functions here that do change tensors
// are not const.
void Module::walk(Visitor visitor) const {
  Module& self = const_cast<Module&>(*this);
  visitor.base_ = path();
  if (!visitor.base_.empty()) visitor.base_ += ".";
  if (visitor.on_module) visitor.on_module("", self);
  self.visit(visitor);
}

// ---- What everything is made of ----

NamedTensors Module::named_parameters() const {
  NamedTensors found;
  std::set<Place> seen;
  Visitor v;
  v.on_parameter = [&](const std::string& name, Tensor& x) {
    if (seen.insert(place(x)).second) found.emplace_back(name, x);
  };
  walk(v);
  return found;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> found;
  for (auto& [name, x] : named_parameters()) found.push_back(x);
  return found;
}

NamedTensors Module::named_buffers() const {
  NamedTensors found;
  Visitor v;
  v.on_buffer = [&](const std::string& name, Tensor& x) { found.emplace_back(name, x); };
  walk(v);
  return found;
}

NamedTensors Module::state() const {
  NamedTensors found;
  Visitor v;
  v.on_parameter =
      v.on_buffer = [&](const std::string& name, Tensor& x) { found.emplace_back(name, x); };
  walk(v);
  return found;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& x : parameters()) count += x.numel();
  return count;
}

// ---- Changing ----

void Module::train(bool on) {
  Visitor v;
  v.on_module = [on](const std::string&, Module& module) { module.training_ = on; };
  walk(v);
}

void Module::zero_grad() const {
  for (Tensor& x : parameters()) x.zero_grad();
}

void Module::set_requires_grad(bool on) {
  std::map<Place, std::shared_ptr<Node>> leaves;  // tied parameters stay one
  Visitor v;
  v.on_parameter = [&](const std::string&, Tensor& x) {
    x.set_requires_grad(on);
    x = x.with_node(leaves.emplace(place(x), x.node()).first->second);
  };
  walk(v);
}

void Module::replace(const std::function<Tensor(const std::string&, const Tensor&)>& f) {
  std::map<Place, Tensor> made;
  NamedTensors kept;  // so that no new tensor is put where an old one has been
  Visitor v;
  v.on_parameter = v.on_buffer = [&](const std::string& name, Tensor& x) {
    Tensor& made_of_x = made[place(x)];
    if (!made_of_x.defined()) {
      made_of_x = f(name, x);
      // A frozen one, too, stays a leaf, which can learn again.
      if (x.node() != nullptr) made_of_x.set_requires_grad().set_requires_grad(x.requires_grad());
    }
    kept.emplace_back(name, x);
    x = made_of_x;
  };
  walk(v);
}

void Module::to(TensorOptions options) {
  replace([options](const std::string&, const Tensor& x) {
    const auto dtype = is_floating(x.dtype()) ? options.dtype : std::nullopt;
    return gradus::to(compute::copy(x), {dtype, options.backend});
  });
}

Tensor parameter(Tensor values) { return values.set_requires_grad(); }

// ---- Messages ----

std::string Module::type() const {
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, nullptr), &std::free);
  const std::string name = demangled ? demangled.get() : typeid(*this).name();
  const std::size_t last = name.rfind("::", name.find('<'));
  return last == std::string::npos ? name : name.substr(last + 2);
}

std::string Module::path() const {
  std::lock_guard lock(paths);
  return path_;
}

std::string Module::location() const {
  const std::string at = path();
  return at.empty() ? type() : fmt::format("{} ({})", at, type());
}

namespace {
// Throws what e is, with another message, if it is exactly one of `Kinds`.
template <class... Kinds>
void throw_alike(const Error& e, const std::string& message) {
  ((typeid(e) == typeid(Kinds) ? throw Kinds(message) : void()), ...);
}
}  // namespace

// An error that begins with a module's path already, and not with [operation], comes from further in.
// One of a class of the user's own, which may hold more than a message, stays as it is.
void Module::rethrow() const {
  try {
    throw;
  } catch (const Error& e) {
    if (*e.what() == '[') {
      throw_alike<Error, ShapeError, DTypeError, IndexError, BackendError, GradError, IoError>(
          e, location() + ": " + e.what());
    }
    throw;
  }
}

std::vector<Shape> missing_parameters(const Tensor& loss, const Module& model) {
  std::unordered_set<const Node*> named;
  for (const Tensor& x : model.parameters()) named.insert(x.node().get());
  std::vector<Shape> missing;
  const auto behind = nodes_behind(loss);
  for (auto at = behind.rbegin(); at != behind.rend(); ++at) {  // the latest first
    const Node& node = *at->second;
    if (node.is_leaf() && !named.contains(&node)) missing.push_back(node.shape);
  }
  return missing;
}

void check_parameters(const Tensor& loss, const Module& model) {
  const std::vector<Shape> missing = missing_parameters(loss, model);
  if (missing.empty()) return;
  std::string shapes;
  for (const Shape& shape : missing) shapes += (shapes.empty() ? "" : ", ") + to_string(shape);
  throw Error(
      fmt::format("{}: the loss depends on {} parameter{} that visit() does not name: {}; name "
                  "the module that owns {} there",
                  model.type(), missing.size(), missing.size() == 1 ? "" : "s", shapes,
                  missing.size() == 1 ? "it" : "them"));
}

}  // namespace gradus::nn
