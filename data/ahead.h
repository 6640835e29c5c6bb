// Prefetches: calls a function in another thread, a few results ahead of their use. The next
// batches are made while a step computes.
//
//   Ahead<Batch> batches([&]() -> std::optional<Batch> { ... });    // nullopt = no more
//   while (const std::optional<Batch> batch = batches.next()) step(*batch);
//
// Results and their order are the same as from calling the function directly. If it throws, next()
// throws the exception in its turn. With one thread (tensor/parallel.h), next() calls the function
// itself. You may stop early: the destructor waits only for the call in progress.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "tensor/parallel.h"

namespace gradus::data {

template <class T>
class Ahead {
 public:
  // At most `most` results wait to be used.
  explicit Ahead(std::function<std::optional<T>()> make, std::size_t most = 2)
      : make_(std::move(make)), most_(most) {
    if (num_threads() > 1) thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  }

  // The next result; nullopt after the last one or after an exception.
  std::optional<T> next() {
    if (done_) return std::nullopt;
    Item item = thread_.joinable() ? take() : make();
    done_ = !item.thing;
    if (item.error) std::rethrow_exception(item.error);
    return std::move(item.thing);
  }

 private:
  struct Item {
    std::optional<T> thing;
    std::exception_ptr error;
  };

  Item make() {
    try {
      return {make_(), nullptr};
    } catch (...) {
      return {std::nullopt, std::current_exception()};
    }
  }

  void run(const std::stop_token& stop) {
    for (bool last = false; !last;) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return ready_.size() < most_; })) return;
      lock.unlock();
      Item item = make();
      last = !item.thing;
      lock.lock();
      ready_.push_back(std::move(item));
      changed_.notify_one();
    }
  }

  Item take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty(); });
    Item item = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_one();
    return item;
  }

  std::function<std::optional<T>()> make_;
  std::size_t most_;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> ready_;
  std::jthread thread_;  // last, so that it ends before what it uses
};

}  // namespace gradus::data
