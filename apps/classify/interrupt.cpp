#include "apps/classify/interrupt.h"

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace gradus::classify {

namespace {
std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

void set_flag(int) { flag = true; }
}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = set_flag;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the next signal acts as ever
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    // Whoever started the program wants none of it: nohup, a script that puts it in the background.
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

bool interrupted() { return flag; }

}  // namespace gradus::classify
