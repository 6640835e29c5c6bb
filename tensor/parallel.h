// The thread pool (oneTBB), and the one setting for how many threads it uses.
//
// Work is cut into chunks of a fixed size, whatever the number of threads, and a chunk's result
// depends only on its range. So results are identical, bit for bit, with any number of threads.
//
//   parallel_for(rows, 64, [&](std::int64_t begin, std::int64_t end) { ... });
#pragma once

#include <cstdint>
#include <functional>

namespace gradus {

// How many threads to use from now on, at least 1; with 1, only the calling thread works. The
// default is one for every core that the process may keep busy (tensor/cores.h).
void set_num_threads(int threads);
int num_threads();

// Calls body(begin, end) on chunks of [0, count) in parallel, each of `chunk` elements (the last
// may have fewer). Returns when all are done; rethrows the first exception. Loops may nest. Throws
// Error if chunk < 1.
void parallel_for(std::int64_t count, std::int64_t chunk,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

// a / b rounded up, for a >= 0 and b > 0. parallel_for(count, chunk, ...) has ceil_div(count,
// chunk) chunks, and chunk i begins at i * chunk.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

}  // namespace gradus
