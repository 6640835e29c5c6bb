// What a person sees while a model trains: on a terminal a bar that is drawn over itself, with loss,
// tokens a second and the time left; everywhere a table with a row for each epoch.
#pragma once

#include <cstdint>
#include <string>

#include "apps/classify/seconds.h"

namespace gradus::classify {

struct EpochRow {
  std::int64_t epoch = 0;
  double train_loss = 0;
  double held_out_loss = 0;
  double accuracy = 0;
  double macro_f1 = 0;
  double tokens_per_second = 0;
  double seconds = 0;  // since training began
  bool best = false;
  int models = 0;  // of an ensemble: the row is of that many joined, after training
};

class ProgressBar {
 public:
  // Draws nothing if `quiet`; the bar only where stderr is a terminal. It begins with `what`, or else with
  // the epoch.
  ProgressBar(std::int64_t epochs, bool quiet, std::string what = {});
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { wipe(); }  // an error message, too, begins its line

  // `done` of the whole training in [0, 1].
  void step(std::int64_t epoch, double done, double loss, double tokens_per_second);
  // Of very many epochs only every second, third ... is printed, and the last.
  void row(const EpochRow& row);
  // Takes the bar away: whatever is printed next begins its line.
  void wipe();

 private:
  std::int64_t epochs_;
  bool quiet_;
  std::string what_;
  bool terminal_;
  bool headed_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_;  // the epoch of the clock: there is no bar now
};

// "1:02:03" or "2:03".
std::string clock_text(double seconds);

}  // namespace gradus::classify
