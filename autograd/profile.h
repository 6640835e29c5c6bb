// Where the time of a training step goes, by operation:
//
//   std::cout << graph::profile([&] {
//     nn::cross_entropy(model(x), y).backward();
//     optimizer.step();
//   });
//
//               calls    forward   backward   share
//   linear          8     101 ms     206 ms    83 %
//   attention       1      18 ms    32.4 ms    14 %
//   dropout         3    2.45 ms    1.94 ms     1 %
//   ...
//   (the rest)           2.65 ms                1 %
//
// An operation is given the time since the one before it was done, on the caller's clock: with what
// happens between them, and what other threads did for it. What is not recorded - an optimizer's step,
// reading data, whatever runs under NoGrad - counts as the rest where nothing is recorded after it, else
// to the operation that follows. Steps warm up: profile the third, not the first.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace gradus::graph {

struct Profile {
  struct Row {
    std::string op;
    std::int64_t calls = 0;            // forward
    double forward = 0, backward = 0;  // seconds, of all calls together
  };
  std::vector<Row> rows;  // those that took longest first
  double rest = 0;        // seconds of no operation
  double total = 0;       // seconds of the whole step: the sum of all of these
};

// Runs `step` and says how long its operations took. What `step` throws passes through.
Profile profile(const std::function<void()>& step);

std::string to_string(const Profile& profile);
std::ostream& operator<<(std::ostream& out, const Profile& profile);

}  // namespace gradus::graph
