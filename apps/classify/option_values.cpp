#include "apps/classify/option_values.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include "data/numbers.h"

namespace gradus::classify {

namespace {

// Refuses text that is not `a`: "12x is not a number above 0". `range` stands in the help.
template <class T, class Fits>
CLI::Validator check(const std::string& range, const std::string& a, Fits fits) {
  return {[=](std::string& text) {
            const std::optional<T> value = data::parsed<T>(text);
            if (!value || !fits(*value)) return fmt::format("{} is not {}", text, a);
            text = fmt::format("{}", *value);
            return std::string();
          },
          range};
}

}  // namespace

CLI::Validator whole(std::int64_t least, std::int64_t most) {
  const std::string range = fmt::format("{} to {}", least, most);
  return check<std::int64_t>(range, "a whole number from " + range,
                             [=](std::int64_t value) { return least <= value && value <= most; });
}

CLI::Validator number(double least, double most) {
  const std::string range = fmt::format("{} to {}", least, most);
  return check<double>(range, "a number from " + range,
                       [=](double value) { return least <= value && value <= most; });
}

CLI::Validator positive() {
  return check<double>("above 0", "a number above 0",
                       [](double value) { return value > 0 && std::isfinite(value); });
}

}  // namespace gradus::classify
