// Traces a training step: every result in the order of computation, then the backward pass. For
// each node it shows the gradient that arrived, and for each input the rule, the contribution that
// the rule gives, and the sum of the contributions so far.
//
//   Tensor w = tensor(2).set_requires_grad();
//   optim::SGD optimizer({w}, {.lr = 0.05});
//   std::cout << graph::trace([&] {
//     const Tensor miss = w * 3 - 5;
//     (miss * miss).backward();
//     optimizer.step();
//   }, {{"w", w}});                     // or model.named_parameters()
//
//   forward
//     n0 = w []  2
//     n1 = mul(n0) []  6
//     n2 = sub(n1) []  1
//     n3 = mul(n2, n2) []  1
//   backward
//     n3 mul: g = 1
//       to n2: g * b = 1, in all 1
//       to n2: g * a = 1, in all 2
//     n2 sub: g = 2
//       to n1: g = 2, in all 2
//     ...
//   after
//     w = 1.7
//
// It copies all values, so use it on small models. It sees only work in the calling thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/gradient.h"
#include "tensor/tensor.h"

namespace gradus::graph {

struct Trace {
  struct Node {
    std::string op;           // "leaf" for a tensor that the user made
    std::string name;         // for named leaves
    std::vector<int> inputs;  // node numbers; inputs that require no gradient are not nodes
    Shape shape;
    Tensor value;  // undefined if made before the step and not named
  };
  struct Sent {
    int node;          // the receiver
    std::string rule;  // rule_of()
    Gradient contribution;
    Gradient sum;  // of all contributions to that node so far
  };
  struct Visit {
    int node;
    Gradient gradient;  // complete: all its contributions added up
    std::vector<Sent> sent;
  };

  std::vector<Node> nodes;    // in the order in which they were made; printed as n0, n1, ...
  std::vector<Visit> visits;  // in the order of the backward pass
  std::vector<std::pair<std::string, Tensor>> after;  // the named leaves after the step
};

// Runs `step` and records it. Exceptions from `step` pass through.
Trace trace(const std::function<void()>& step,
            const std::vector<std::pair<std::string, Tensor>>& names = {});

// The rule by which an op's gradient g passes to input number `place`, as text: rule_of("mul", 0)
// is "g * b". Inputs are called x, or a and b; the result is y. Empty for user-defined ops.
std::string_view rule_of(std::string_view op, int place);

std::string to_string(const Trace& trace);
std::ostream& operator<<(std::ostream& out, const Trace& trace);

}  // namespace gradus::graph
