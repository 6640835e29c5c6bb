// Learning rates that change as training goes: functions from the number of steps done to a factor
// for the optimizer.
//
//   const optim::Schedule schedule = optim::warmup_cosine(100, 2000);
//   for (std::int64_t step = 0; step < 2000; ++step) {
//     optimizer.set_lr_factor(schedule(step));
//     ...
//   }
#pragma once

#include <cstdint>
#include <functional>

namespace gradus::optim {

using Schedule = std::function<double(std::int64_t step)>;

// factor^(step / every), rounded down: a stair.
Schedule step_decay(std::int64_t every, double factor = 0.1);
// From 1 down to `floor` along half a cosine over `total` steps; `floor` after. Loshchilov and
// Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
Schedule cosine(std::int64_t total, double floor = 0);
// Up in a straight line to 1 over the first `warmup` steps (step 0 has 1 / warmup), then down to
// `floor` at step `total`: along half a cosine or in a straight line.
// All throw Error unless every and total are positive, 0 <= warmup < total.
Schedule warmup_cosine(std::int64_t warmup, std::int64_t total, double floor = 0);
Schedule warmup_linear(std::int64_t warmup, std::int64_t total, double floor = 0);

}  // namespace gradus::optim
