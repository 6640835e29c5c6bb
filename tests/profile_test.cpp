#include "autograd/profile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"

using namespace gradus;

namespace {

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// x, after 20 ms; its gradient after 40.
Tensor slow(const Tensor& x) {
  sleep_ms(20);
  return record("slow", x.detach(), edge(x, [](const Tensor& g) {
                  sleep_ms(40);
                  return g;
                }));
}

const graph::Profile::Row& row_of(const graph::Profile& profile, const std::string& op) {
  const auto found = std::ranges::find(profile.rows, op, &graph::Profile::Row::op);
  REQUIRE(found != profile.rows.end());
  return *found;
}

}  // namespace

TEST_CASE("a profile gives each operation its time, forward and backward, and the rest the rest") {
  const Tensor x = ones({4}).set_requires_grad();
  const graph::Profile profile = graph::profile([&] {
    const Tensor y = slow(slow(x) * 2) * 3;
    sum(y).backward();
    sleep_ms(30);
  });
  CHECK(profile.rows[0].op == "slow");  // those that took longest first
  CHECK(profile.rows[0].calls == 2);
  CHECK(profile.rows[0].forward >= 0.040);
  CHECK(profile.rows[0].backward >= 0.080);
  CHECK(row_of(profile, "mul").calls == 2);
  CHECK(row_of(profile, "sum").calls == 1);
  CHECK(profile.rows.size() == 4);  // a sum over all axes ends with a reshape
  CHECK(profile.rest >= 0.030);
  double total = profile.rest;
  for (const auto& row : profile.rows) total += row.forward + row.backward;
  CHECK(profile.total == doctest::Approx(total));
}

TEST_CASE("a profile of second derivatives, whose gradients are recorded, too") {
  const Tensor x = tensor(2).set_requires_grad();
  const graph::Profile profile = graph::profile([&] {
    const Tensor first = grad({x * x * x}, {x}, {.create_graph = true})[0];
    CHECK(grad({first}, {x})[0].item() == 12);  // (x^3)'' = 6 x
  });
  CHECK(row_of(profile, "mul").calls > 2);
}

TEST_CASE("a profile in print") {
  graph::Profile profile;
  profile.rows = {{"softmax_cross_entropy", 1, 6, 3}, {"mul", 12, 0.0004, 0.4996}};
  profile.rest = 0.5;
  profile.total = 10;
  CHECK(graph::to_string(profile) ==
        "                       calls    forward   backward   share\n"
        "softmax_cross_entropy      1        6 s        3 s    90 %\n"
        "mul                       12     400 us     500 ms     5 %\n"
        "(the rest)                       500 ms                5 %\n");
  CHECK(graph::profile([] {}).rows.empty());
}
