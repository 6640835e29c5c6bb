#include "tensor/parallel.h"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "tensor/cores.h"
#include "tensor/error.h"

// ThreadSanitizer does not see inside libtbb, so we tell it what the library promises: what is
// written before the loop is seen by its chunks, and what chunks write is seen after it.
#ifdef GRADUS_SANITIZE_THREAD
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#else
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
#endif

namespace gradus {

namespace {
struct Pool {
  std::mutex mutex;
  int threads = available_cores();
  std::unique_ptr<tbb::global_control> limit;

  // oneTBB does not know of quotas, and is left alone where there is none.
  Pool() {
    if (threads < tbb::info::default_concurrency()) use(threads);
  }
  void use(int count) {
    threads = std::max(1, count);
    limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                  static_cast<std::size_t>(threads));
  }
};
Pool& pool() {
  static Pool* instance = new Pool;  // never destroyed: threads may outlive main
  return *instance;
}
}  // namespace

void set_num_threads(int threads) {
  std::lock_guard lock(pool().mutex);
  pool().use(threads);
}

int num_threads() {
  std::lock_guard lock(pool().mutex);
  return pool().threads;
}

void parallel_for(std::int64_t count, std::int64_t chunk,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (count <= 0) return;
  if (chunk < 1) {
    throw Error(fmt::format("[parallel_for] chunks of {}: at least 1 is needed", chunk));
  }
  std::int64_t chunks = ceil_div(count, chunk);
  if (chunks == 1) return body(0, count);
  pool();  // at the first loop: sets the default number of threads
  char before = 0;
  char after = 0;
  __tsan_release(&before);
  tbb::parallel_for(std::int64_t{0}, chunks, [&](std::int64_t i) {
    __tsan_acquire(&before);
    body(i * chunk, std::min(count, (i + 1) * chunk));
    __tsan_release(&after);
  });
  __tsan_acquire(&after);
}

}  // namespace gradus
