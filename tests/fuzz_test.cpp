#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/fuzz_targets.h"

namespace gradus {

namespace {

// One change of the kinds that files suffer: a byte, a piece lost, a piece there twice.
void damage(std::string& bytes, std::minstd_rand& draw) {
  const std::size_t at = draw() % (bytes.size() + 1);
  const std::size_t length = std::min<std::size_t>(draw() % 16, bytes.size() - at);
  switch (draw() % 4) {
    case 0: bytes.insert(at, 1, static_cast<char>(draw() % 256)); break;
    case 1: bytes.erase(at, length); break;
    case 2: bytes.insert(at, bytes.substr(at, length)); break;
    default:
      if (at < bytes.size()) bytes[at] = static_cast<char>(draw() % 256);
  }
}

}  // namespace

TEST_CASE("of damaged bytes readers make something, or they throw Error") {
  for (const FuzzTarget& target : fuzz_targets()) {
    CAPTURE(target.name);
    std::minstd_rand draw(1);
    for (const std::string& seed : target.seeds()) {
      CHECK_NOTHROW(target.run(seed));
      for (int i = 0; i < 300; ++i) {
        std::string bytes = seed;
        for (std::size_t times = 1 + draw() % 4; times > 0; --times) damage(bytes, draw);
        CAPTURE(bytes);
        CHECK_NOTHROW(fuzz(target, bytes));
      }
    }
  }
}

}  // namespace gradus
