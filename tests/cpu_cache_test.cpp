#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "backends/cpu/cache.h"

using gradus::cpu::Cache;

TEST_CASE("cpu: freed memory is kept up to the limit and used again") {
  const auto cache = std::make_shared<Cache>(std::size_t{1} << 20);
#if !defined(__SANITIZE_ADDRESS__)
  std::byte* first = cache->allocate(100000)->host();
  CHECK(cache->kept() >= 100000);
  CHECK(cache->allocate(99000)->host() == first);  // the same size class
  { const auto large = cache->allocate(900000); }  // more than the limit leaves room for
  CHECK(cache->kept() <= std::size_t{1} << 20);
  CHECK(cache->kept() >= 900000);
  cache->trim();
#endif
  CHECK(cache->kept() == 0);
  { const auto huge = cache->allocate(std::size_t{3} << 20); }  // above the limit: not kept
  CHECK(cache->kept() == 0);
  for (std::size_t bytes : {0, 1, 63, 64, 65, 1000, 1 << 22, 4198000}) {
    const auto buffer = cache->allocate(bytes);
    CHECK(buffer->bytes() == bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer->host()) % 64 == 0);
    std::fill_n(buffer->host(), bytes, std::byte{1});
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&cache] {
      for (std::size_t n = 0; n < 2000; ++n) {
        const auto buffer = cache->allocate(n % 7 * 1000 + 8);
        *buffer->host() = std::byte{1};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto survivor = std::make_shared<Cache>(1 << 20)->allocate(64);  // keeps its cache alive
  *survivor->host() = std::byte{1};
}
