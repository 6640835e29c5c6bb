#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "autograd/ops.h"
#include "backends/cpu/cache.h"
#include "tensor/error.h"
#include "tests/throws.h"

using namespace gradus;
using gradus::cpu::Cache;
using gradus::cpu::parse_bytes;

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

}  // namespace

TEST_CASE("cpu: freed memory is kept up to the limit and used again") {
  const auto cache = std::make_shared<Cache>(std::size_t{1} << 20);
#if !defined(__SANITIZE_ADDRESS__)
  std::byte* first = cache->allocate(100000)->host();
  CHECK(cache->stats().cached >= 100000);
  CHECK(cache->allocate(99000)->host() == first);  // the same size class
  { const auto large = cache->allocate(900000); }  // more than the limit leaves room for
  CHECK(cache->stats().cached <= std::size_t{1} << 20);
  CHECK(cache->stats().cached >= 900000);
  cache->trim();
#endif
  CHECK(cache->stats().cached == 0);
  { const auto huge = cache->allocate(std::size_t{3} << 20); }  // above the limit: not kept
  CHECK(cache->stats().cached == 0);
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

TEST_CASE("cpu: memory is counted") {
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t kRounded = 0;  // blocks are as long as asked for: their ends are watched
#else
  constexpr std::size_t kRounded = 5;  // in a block of 3 MiB
#endif
  const auto cache = std::make_shared<Cache>(8 * kMega);
  auto a = cache->allocate(2 * kMega);
  {
    const auto b = cache->allocate(3 * kMega - kRounded);
    CHECK(cache->stats().in_use == 5 * kMega);
  }
  MemoryStats stats = cache->stats();
  CHECK(stats.in_use == 2 * kMega);
  CHECK(stats.peak == 5 * kMega);
  CHECK(stats.requests == 2);
  CHECK(stats.fresh == 2);
  cache->reset_peak();
  CHECK(cache->stats().peak == 2 * kMega);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(stats.cached == 3 * kMega);
  { const auto b = cache->allocate(3 * kMega); }  // the block that was kept
  stats = cache->stats();
  CHECK(stats.requests == 3);
  CHECK(stats.fresh == 2);
  CHECK(stats.cached == 3 * kMega);
  CHECK(stats.peak == 5 * kMega);
#endif
  a = nullptr;
  cache->trim();
  CHECK(cache->stats().in_use == 0);
  CHECK(cache->stats().cached == 0);
}

TEST_CASE("cpu: a limit on memory") {
  const auto cache = std::make_shared<Cache>(64 * kMega);
  { const auto kept = cache->allocate(6 * kMega); }
  cache->limit(8 * kMega);
  const auto a = cache->allocate(3 * kMega);  // what was kept makes room
  CHECK(cache->stats().cached == 0);
  CHECK(
      message_of<BackendError>([&] { (void)cache->allocate(6 * kMega); }) ==
      "[allocate] 6.0 MiB more do not fit: 3.0 MiB are in use and the limit is 8.0 MiB; a smaller "
      "batch needs less, or raise the limit (GRADUS_MEMORY_LIMIT, limit_memory())");
  CHECK(cache->stats().in_use == 3 * kMega);  // as before
  const auto b = cache->allocate(5 * kMega);  // just fits
  CHECK_THROWS_AS((void)cache->allocate(1), BackendError);
  cache->limit(1);  // less than there is: nothing is taken away
  CHECK_THROWS_AS((void)cache->allocate(1), BackendError);

  CHECK(parse_bytes("1000") == 1000);
  CHECK(parse_bytes("3k") == 3 << 10);
  CHECK(parse_bytes("512M") == 512 * kMega);
  CHECK(parse_bytes("4GiB") == 4096 * kMega);
  CHECK(parse_bytes("2TB") == std::size_t{2} << 40);
  for (const std::string wrong :
       {"", "M", "-1", "1.5G", "4X", "4GG", "4 G", "99999999999999T", "1e9"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH_AS((void)parse_bytes(wrong), doctest::Contains("such as 512M"), BackendError);
  }
}

TEST_CASE("cpu: a step that was done before asks the system for nothing") {
  Backend& cpu = backend("cpu");
  Tensor w = full({64, 64}, 0.01, {.backend = &cpu}).set_requires_grad();
  const auto step = [&] {
    w.zero_grad();
    sum(tanh(matmul(w, w)) * w).backward();
  };
  step();
  const MemoryStats before = cpu.memory();
  cpu.reset_peak_memory();
  for (int i = 0; i < 3; ++i) step();
  const MemoryStats after = cpu.memory();
  CHECK(after.requests > before.requests);
  CHECK(after.in_use == before.in_use);
  CHECK(after.peak > before.in_use);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(after.fresh == before.fresh);
  cpu.trim_memory();
  CHECK(cpu.memory().cached == 0);
#endif
}
