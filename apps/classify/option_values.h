// Checks of the numbers on a command line; what is refused is told what would do:
//
//   app->add_option("--epochs", epochs)->transform(whole(1, 100));
//   // --epochs: 1.5 is not a whole number from 1 to 100
//
// CLI11's own let NaN through, cut off what is too large, and take -1 for a large unsigned number. It
// reads 010 as 8, too: so it is given the number found here.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace gradus::classify {

CLI::Validator whole(std::int64_t least, std::int64_t most);
CLI::Validator number(double least, double most);
CLI::Validator positive();

}  // namespace gradus::classify
