// The part of Tensor that knows the graph: leaves, their gradients, and writing into them.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/gradient.h"
#include "autograd/node.h"
#include "tensor/error.h"

namespace gradus {

bool Tensor::requires_grad() const { return node_ != nullptr && node_->wants_gradient; }

Tensor& Tensor::set_requires_grad(bool on) {
  backend();  // throws for an undefined tensor
  if (node_ != nullptr && !node_->is_leaf()) {
    throw GradError(
        fmt::format("[set_requires_grad] {} was computed by '{}'; only leaves can be set: "
                    "detach() it first",
                    describe(*this), node_->op));
  }
  if (!is_floating(dtype_)) {
    throw DTypeError(
        fmt::format("[set_requires_grad] gradients need f32 or f64, got {}", describe(*this)));
  }
  if (on && node_ == nullptr) node_ = std::make_shared<Node>("leaf", *this);
  if (node_ == nullptr) return *this;
  node_->wants_gradient = on;
  if (!on) node_->gradient = Gradient();
  return *this;
}

const Gradient& Tensor::gradient() const {
  static const Gradient none;
  return node_ == nullptr ? none : node_->gradient;
}

Tensor Tensor::grad() const { return gradient().defined() ? gradient().dense() : Tensor(); }

void Tensor::set_gradient(Gradient gradient) {
  if (!requires_grad()) {
    throw GradError(
        fmt::format("[set_gradient] {} does not require gradients; call set_requires_grad() first",
                    describe(*this)));
  }
  if (gradient.defined() && !gradient.fits(*this)) {
    throw ShapeError(
        fmt::format("[set_gradient] the gradient of {} cannot be {}: shape, dtype and backend must "
                    "be the same",
                    describe(*this), describe(gradient)));
  }
  node_->gradient = std::move(gradient);
}

void Tensor::zero_grad() {
  if (node_ != nullptr) node_->gradient = Gradient();
}

void Tensor::backward() const { gradus::backward(*this); }

void Tensor::assign(const Tensor& values) {
  if (node_ != nullptr && !node_->is_leaf()) {
    throw GradError(fmt::format("[assign] {} was computed by '{}'; only leaves can be written",
                                describe(*this), node_->op));
  }
  if (values.shape() != shape()) {
    throw ShapeError(fmt::format("[assign] values {} must have the shape {} of what they overwrite",
                                 to_string(values.shape()), to_string(shape())));
  }
  if (layout_.is_repeated()) {
    throw ShapeError(
        fmt::format("[assign] elements of {} share memory, as expand() makes them; write "
                    "to contiguous() or to what was expanded",
                    describe(*this)));
  }
  Tensor source = to(values, {dtype_, &backend()});
  if (source.view().buffer == buffer_.get()) source = compute::copy(source);  // they may overlap
  backend().unary(UnaryOp::copy, source.view(), view());
}

}  // namespace gradus
