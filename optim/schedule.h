// Learning rate schedules: functions from the number of steps done to a factor for the optimizer.
//
//   const optim::Schedule schedule = optim::warmup_cosine(100, 2000);
//   for (std::int64_t step = 0; step < 2000; ++step) {
//     optimizer.set_lr_factor(schedule(step));
//     ...
//   }
//
// All throw Error unless every and total are positive and 0 <= warmup < total.
#pragma once

#include <cstdint>
#include <functional>

namespace gradus::optim {

using Schedule = std::function<double(std::int64_t step)>;

// Multiplies by `factor` after every `every` steps: factor^floor(step / every).
Schedule step_decay(std::int64_t every, double factor = 0.1);
// Falls from 1 to `floor` along half a cosine over `total` steps, then stays. Loshchilov and
// Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
Schedule cosine(std::int64_t total, double floor = 0);
// Rises linearly to 1 over the first `warmup` steps (step 0 has 1 / warmup), then falls to `floor`
// at step `total`, along half a cosine or linearly.
Schedule warmup_cosine(std::int64_t warmup, std::int64_t total, double floor = 0);
Schedule warmup_linear(std::int64_t warmup, std::int64_t total, double floor = 0);

}  // namespace gradus::optim
