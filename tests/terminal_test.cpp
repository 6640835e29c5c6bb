#include "apps/classify/terminal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "apps/classify/progress_bar.h"
#include "data/columns.h"

using namespace gradus::classify;

namespace {

// A terminal that nobody sits at.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(master_ >= 0);
    REQUIRE(grantpt(master_) == 0);
    REQUIRE(unlockpt(master_) == 0);
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    REQUIRE(slave_ >= 0);
  }
  ~Terminal() {
    close(slave_);
    close(master_);
  }
  int file() const { return slave_; }
  void set_columns(unsigned short columns) const {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(ioctl(slave_, TIOCSWINSZ, &size) == 0);
  }
  // What was written to it. It comes in parts: a mark behind it says that this was all.
  std::string shown() const {
    constexpr char kMark = '\x01';
    REQUIRE(write(slave_, &kMark, 1) == 1);
    std::string bytes;
    for (char c = 0; read(master_, &c, 1) == 1 && c != kMark;) bytes += c;
    return bytes;
  }

 private:
  int master_, slave_ = -1;
};

// Sets a variable of the environment until the end of the scope.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* before = std::getenv(name);
    had_ = before != nullptr;
    if (had_) before_ = before;
    setenv(name, value, 1);
  }
  ~Variable() { had_ ? setenv(name_, before_.c_str(), 1) : unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  bool had_;
  std::string before_;
};

}  // namespace

TEST_CASE("a terminal shows colours unless it is dumb or the user wants none") {
  const Terminal terminal;
  const Variable kind("TERM", "xterm"), none("NO_COLOR", "");
  CHECK(shows_colours(terminal.file()));
  {
    const Variable no_colour("NO_COLOR", "1");
    CHECK(!shows_colours(terminal.file()));
    CHECK(redraws(terminal.file()));
  }
  const Variable dumb("TERM", "dumb");
  CHECK(!shows_colours(terminal.file()));
  CHECK(!redraws(terminal.file()));
  const int null = open("/dev/null", O_WRONLY);
  CHECK(!redraws(null));
  CHECK(columns_of(null) == 80);
  close(null);
}

TEST_CASE("the bar takes one line, however narrow, and takes it away") {
  const Terminal terminal;
  const Variable kind("TERM", "xterm");
  terminal.set_columns(40);
  CHECK(columns_of(terminal.file()) == 40);
  const int before = dup(STDERR_FILENO);
  dup2(terminal.file(), STDERR_FILENO);
  ProgressBar(2, false).step(1, 0.5, 0.1, 1000);
  ProgressBar words(1, false, "word vectors");
  words.step(1, 0.25, 0.1, 1000);
  words.wipe();
  words.wipe();  // there is none
  dup2(before, STDERR_FILENO);
  close(before);
  CHECK(terminal.shown() ==
        "\repoch 1/2 [############............]  5\x1b[K\r\x1b[K"
        "\rword vectors [######..................]\x1b[K\r\x1b[K");
}
