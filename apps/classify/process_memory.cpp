#include "apps/classify/process_memory.h"

#include <fstream>
#include <string>

namespace gradus::classify {

// Not getrusage's ru_maxrss: that begins with the size of the program that started this one.
std::size_t peak_process_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace gradus::classify
