// Watches the outputs of a model's parts, without changing the model:
//
//   {
//     nn::Watch watch(model, [](const std::string& name, const Tensor& y) {
//       std::cout << name << " " << to_string(y.shape()) << "\n";    // "encoder.0.linear1" ...
//       return y;
//     });
//     model(x);
//   }                                                                // no longer watched
//
// What the function returns, of the same shape, replaces y: y * 0 switches a part off, and
// on_gradient(y, ...) (autograd/autograd.h) watches its gradient.
//
// Watch sees modules that compute within located() (nn/module.h): all of nn/, and your own if they
// do. For a recurrent layer it sees the output, for attention pooling the context.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "nn/module.h"

namespace gradus::nn {

// Active until the end of its scope, in the thread that made it. Watches nest: they must end in
// reverse order, and the innermost sees an output first. Meanwhile the model must not be moved or
// get other parts.
class Watch {
 public:
  // Names are relative to the model, whose own name is "".
  using Function = std::function<Tensor(const std::string& name, const Tensor& y)>;
  Watch(const Module& model, Function f);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  friend class Module;
  std::map<const Module*, std::string> names_;
  Function f_;
  const Watch* outer_;
};

// The model as print() shows it (nn/module.h), with the shape of each module's last output in
// run(). Nothing is recorded for gradients.
//
//   std::cout << nn::summary(model, [&] { model(x); });
std::string summary(const Module& model, const std::function<void()>& run);

}  // namespace gradus::nn
