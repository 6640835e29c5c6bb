// A training step, watched: every result in the order in which it was computed, then the walk back -
// at each node the gradient that has arrived, and for each input the rule, what the rule gives, and
// the sum of what that input has been given so far.
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
// Values are copied, so this is for models small enough to look at. Work on other threads than the
// caller's is not seen.
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
    std::string op;           // "leaf" for one that the user made
    std::string name;         // of leaves that were named
    std::vector<int> inputs;  // numbers of nodes; inputs that require no gradient are not nodes
    Shape shape;
    Tensor value;  // undefined for what was made before the step and has no name
  };
  struct Sent {
    int node;          // to whom
    std::string rule;  // rule_of()
    Gradient contribution;
    Gradient sum;  // of all contributions to that node so far
  };
  struct Visit {
    int node;
    Gradient gradient;  // complete: all its contributions added up
    std::vector<Sent> sent;
  };

  std::vector<Node> nodes;    // in the order of their making; n0, n1, ... in print
  std::vector<Visit> visits;  // in the order of the walk
  std::vector<std::pair<std::string, Tensor>> after;  // the named leaves when the step was done
};

// Runs `step` and says what happened. What `step` throws passes through.
Trace trace(const std::function<void()>& step,
            const std::vector<std::pair<std::string, Tensor>>& names = {});

// How an op's gradient g goes on to its input number `place`, in words: rule_of("mul", 0) is
// "g * b". An op's inputs are called x, or a and b, its result y. Empty for an op that is not
// Gradus's own.
std::string_view rule_of(std::string_view op, int place);

std::string to_string(const Trace& trace);
std::ostream& operator<<(std::ostream& out, const Trace& trace);

}  // namespace gradus::graph
