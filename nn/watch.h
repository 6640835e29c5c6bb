// Looking at what the parts of a model put out, without changing the model:
//
//   {
//     nn::Watch watch(model, [](const std::string& name, const Tensor& y) {
//       std::cout << name << " " << to_string(y.shape()) << "\n";    // "encoder.0.linear1" ...
//       return y;
//     });
//     model(x);
//   }                                                                // no longer watched
//
// What the function returns, of the same shape, goes on in place of y: y * 0 takes a part out, and
// on_gradient(y, ...) (autograd/autograd.h) looks at the gradient that comes back to it.
//
// Seen are the modules that compute within located() (nn/module.h): all of nn/, and those of your
// own that do. Of a recurrent layer it is the output, of attention that pools the context.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "nn/module.h"

namespace gradus::nn {

// While it lives, and in the thread that made it. Watches end in the opposite order of their
// beginning, as variables of a block do; the innermost sees an output first. The model must not be
// moved or given other parts meanwhile.
class Watch {
 public:
  // Names are relative to the model, which itself is "".
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

// The model as print() shows it (nn/module.h) and beside each module the shape of what it put out
// last, in run(). Nothing is recorded for gradients.
//
//   std::cout << nn::summary(model, [&] { model(x); });
std::string summary(const Module& model, const std::function<void()>& run);

}  // namespace gradus::nn
