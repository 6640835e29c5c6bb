#include "apps/classify/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace gradus::classify {

namespace {
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}
}  // namespace

bool redraws(int file) { return isatty(file) == 1 && variable("TERM") != "dumb"; }

bool shows_colours(int file) { return redraws(file) && variable("NO_COLOR").empty(); }

std::size_t columns_of(int file) {
  winsize size{};
  return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace gradus::classify
