// The one thread pool (oneTBB) and the one knob.
//
// Work is cut into chunks of a fixed size, whatever the number of threads, and the result of a
// chunk depends on nothing but its range; so results are the same bits for any number of threads.
//
//   parallel_for(rows, 64, [&](std::int64_t begin, std::int64_t end) { ... });
#pragma once

#include <cstdint>
#include <functional>

namespace gradus {

// How many cores to use from now on, at least 1; 1 means the calling thread alone.
// The default is every core the process may run on.
void set_num_threads(int threads);
int num_threads();

// Calls body(begin, end) over [0, count) in chunks of `chunk` (the last may be shorter), at once on
// several threads. Returns when all are done; rethrows the first exception. Loops may nest. Throws
// Error for a chunk below 1.
void parallel_for(std::int64_t count, std::int64_t chunk,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

// a / b rounded up: parallel_for(count, chunk, ...) makes ceil_div(count, chunk) chunks, of which
// chunk i begins at i * chunk. Neither may be negative, b not 0.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

}  // namespace gradus
