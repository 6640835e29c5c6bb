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
// An operation's time is measured from the end of the operation before it, on the calling thread,
// so it includes whatever happens in between. Work that is not recorded (an optimizer's step,
// reading data, anything under NoGrad) counts towards the next recorded operation, or as the rest
// if there is none. First steps are slow while caches warm up: profile the third.
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
    double forward = 0, backward = 0;  // seconds, all calls together
  };
  std::vector<Row> rows;  // slowest first
  double rest = 0;        // seconds outside of operations
  double total = 0;       // seconds of the whole step: the sum of all of these
};

// Runs `step` and measures its operations. Exceptions from `step` pass through.
Profile profile(const std::function<void()>& step);

std::string to_string(const Profile& profile);
std::ostream& operator<<(std::ostream& out, const Profile& profile);

}  // namespace gradus::graph
