#include "apps/classify/process_memory.h"

#include <doctest/doctest.h>

#include <vector>

using gradus::classify::peak_process_memory;

TEST_CASE("the peak is at least what was touched, and stays when that is given back") {
  constexpr std::size_t kBytes = std::size_t{256} << 20;
  const std::size_t before = peak_process_memory();
  CHECK(before > 0);
  CHECK(before < std::size_t{16} << 30);  // bytes, not pages
  {
    const std::vector<char> touched(kBytes, 1);
    CHECK(peak_process_memory() >= kBytes * static_cast<std::size_t>(touched[0]));
  }
  CHECK(peak_process_memory() >= kBytes);
}
