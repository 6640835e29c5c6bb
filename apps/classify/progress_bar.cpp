#include "apps/classify/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

#include "apps/classify/terminal.h"
#include "data/columns.h"
#include "tensor/parallel.h"

namespace gradus::classify {

namespace {
constexpr int kBarWidth = 24;
constexpr std::int64_t kMostRows = 20;  // about: of more epochs some have none
constexpr std::chrono::milliseconds kRedraw{100};
}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::llround(seconds));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

ProgressBar::ProgressBar(std::int64_t epochs, bool quiet, std::string what)
    : epochs_(epochs),
      quiet_(quiet),
      what_(std::move(what)),
      terminal_(!quiet && redraws(STDERR_FILENO)) {}

void ProgressBar::step(std::int64_t epoch, double done, double loss, double tokens_per_second) {
  const auto now = Clock::now();
  if (!terminal_ || now - drawn_ < kRedraw) return;
  drawn_ = now;
  const int filled = static_cast<int>(done * kBarWidth);
  const double left = done > 0 ? seconds_since(begin_) * (1 - done) / done : 0;
  const std::string line =
      fmt::format("{} [{}{}] {:3.0f} %  loss {:.4f}  {:.0f} tokens/s  {} left",
                  what_.empty() ? fmt::format("epoch {}/{}", epoch, epochs_) : what_,
                  std::string(static_cast<std::size_t>(filled), '#'),
                  std::string(static_cast<std::size_t>(kBarWidth - filled), '.'), 100 * done, loss,
                  tokens_per_second, clock_text(left));
  // A line that wraps cannot be drawn over; in the last column, some terminals wrap already.
  fmt::print(stderr, "\r{}\x1b[K", data::first_columns(line, columns_of(STDERR_FILENO) - 1));
  std::fflush(stderr);
}

void ProgressBar::wipe() {
  if (drawn_ != Clock::time_point()) fmt::print(stderr, "\r\x1b[K");
  drawn_ = {};
}

void ProgressBar::row(const EpochRow& r) {
  if (quiet_) return;
  if (r.models == 0 && r.epoch < epochs_ && r.epoch % ceil_div(epochs_, kMostRows) != 0) return;
  wipe();
  if (!headed_) {
    fmt::print("epoch  train loss  held-out loss  accuracy  macro F1  tokens/s    time\n");
    headed_ = true;
  }
  if (r.models > 0) {
    fmt::print("{:>17}  {:13.4f}  {:8.4f}  {:8.4f}\n",
               r.models == 1 ? "so far, 1 model" : fmt::format("{} models joined", r.models),
               r.held_out_loss, r.accuracy, r.macro_f1);
    std::fflush(stdout);
    return;
  }
  fmt::print("{:5}  {:10.4f}  {:13.4f}  {:8.4f}  {:8.4f}  {:8.0f}  {:>6}{}\n", r.epoch,
             r.train_loss, r.held_out_loss, r.accuracy, r.macro_f1, r.tokens_per_second,
             clock_text(r.seconds), r.best ? "  best" : "");
  std::fflush(stdout);
}

}  // namespace gradus::classify
