#include "autograd/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <ostream>
#include <utility>

#include "autograd/node.h"

namespace gradus::graph {

namespace {

using Clock = std::chrono::steady_clock;

class Stopwatch : public Listener {
 public:
  void recorded(const Tensor& result) override {
    Profile::Row& row = row_of(result.node()->op);
    row.calls += 1;
    row.forward += since_last();
  }
  void arrived(const Node&, const Gradient&) override { profile_.rest += since_last(); }
  void sent(const Node& at, const Edge&, const Gradient&, const Gradient&) override {
    row_of(at.op).backward += since_last();
  }

  Profile take() {
    profile_.rest += since_last();
    const auto time = [](const Profile::Row& row) { return row.forward + row.backward; };
    std::ranges::stable_sort(profile_.rows, std::greater<>(), time);
    profile_.total = profile_.rest;
    for (const Profile::Row& row : profile_.rows) profile_.total += time(row);
    return std::move(profile_);
  }

 private:
  Profile::Row& row_of(const std::string& op) {
    const auto found = std::ranges::find(profile_.rows, op, &Profile::Row::op);
    if (found != profile_.rows.end()) return *found;
    return profile_.rows.emplace_back(Profile::Row{.op = op});
  }
  double since_last() {
    const Clock::time_point before = std::exchange(last_, Clock::now());
    return std::chrono::duration<double>(last_ - before).count();
  }

  Profile profile_;
  Clock::time_point last_ = Clock::now();
};

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", 1e6 * seconds);
  return seconds < 1 ? fmt::format("{:.3g} ms", 1e3 * seconds) : fmt::format("{:.3g} s", seconds);
}

}  // namespace

Profile profile(const std::function<void()>& step) {
  Stopwatch watch;
  step();
  return watch.take();
}

std::string to_string(const Profile& profile) {
  constexpr const char* kRest = "(the rest)";
  std::size_t width = std::string(kRest).size();
  for (const Profile::Row& row : profile.rows) width = std::max(width, row.op.size());
  std::string text;
  const auto line = [&](const auto& op, const auto& calls, const auto& forward,
                        const auto& backward, const auto& share) {
    text += fmt::format("{:<{}}  {:>5}  {:>9}  {:>9}  {:>6}\n", op, width, calls, forward, backward,
                        share);
  };
  const auto share = [&](double seconds) {
    return fmt::format("{:.0f} %", profile.total > 0 ? 100 * seconds / profile.total : 0.0);
  };
  line("", "calls", "forward", "backward", "share");
  for (const Profile::Row& row : profile.rows) {
    line(row.op, row.calls, time_text(row.forward), time_text(row.backward),
         share(row.forward + row.backward));
  }
  line(kRest, "", time_text(profile.rest), "", share(profile.rest));
  return text;
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) {
  return out << to_string(profile);
}

}  // namespace gradus::graph
