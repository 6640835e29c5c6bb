#include "data/ahead.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

using gradus::data::Ahead;

namespace {
class Threads {
 public:
  explicit Threads(int threads) { gradus::set_num_threads(threads); }
  ~Threads() { gradus::set_num_threads(before_); }

 private:
  int before_ = gradus::num_threads();
};

// 0, 1 ... n - 1.
auto counting(int n) {
  return [n, i = 0]() mutable { return i < n ? std::optional(i++) : std::nullopt; };
}
}  // namespace

TEST_CASE("things come in their order, with and without a thread") {
  for (const int threads : {1, 4}) {
    const Threads set(threads);
    for (const std::size_t most : {1, 2, 7}) {
      Ahead<int> ahead(counting(1000), most);
      for (int i = 0; i < 1000; ++i) REQUIRE(ahead.next() == i);
      CHECK(ahead.next() == std::nullopt);
      CHECK(ahead.next() == std::nullopt);
    }
    CHECK(Ahead<int>(counting(0)).next() == std::nullopt);
  }
}

TEST_CASE("as many are made ahead as may be, and with one thread none") {
  for (const int threads : {1, 2}) {
    const Threads set(threads);
    std::atomic<int> made = 0;
    Ahead<int> ahead([&]() -> std::optional<int> { return made++; }, 3);
    CHECK(ahead.next() == 0);
    const int expected = threads == 1 ? 1 : 4;  // the one taken, and three that wait
    const auto begin = std::chrono::steady_clock::now();
    while (made < expected && std::chrono::steady_clock::now() - begin < std::chrono::seconds(30)) {
      std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // for what must not be made
    CHECK(made == expected);
  }
}

TEST_CASE("an exception comes where its thing would have come") {
  for (const int threads : {1, 2}) {
    const Threads set(threads);
    Ahead<int> ahead([i = 0]() mutable -> std::optional<int> {
      if (i == 2) throw std::runtime_error("the third");
      return i++;
    });
    CHECK(ahead.next() == 0);
    CHECK(ahead.next() == 1);
    CHECK_THROWS_WITH_AS(ahead.next(), "the third", std::runtime_error);
    CHECK(ahead.next() == std::nullopt);
  }
}

TEST_CASE("leaving early leaves nothing behind") {
  const Threads set(2);
  const auto held = std::make_shared<int>(7);
  for (const int taken : {0, 1, 5}) {
    Ahead<std::shared_ptr<int>> ahead(
        [held]() -> std::optional<std::shared_ptr<int>> { return held; });
    for (int i = 0; i < taken; ++i) CHECK(*ahead.next().value() == 7);
  }
  CHECK(held.use_count() == 1);  // neither the thread nor its queue is there any more
}
