// What the terminal behind a file descriptor can show, if one is there.
#pragma once

#include <cstddef>

namespace gradus::classify {

// A line can be drawn over itself: not where TERM is dumb.
bool redraws(int file);
// The same, and the user has not asked for text without colours (NO_COLOR, https://no-color.org).
bool shows_colours(int file);
// How many columns it has, 80 where that is not known.
std::size_t columns_of(int file);

}  // namespace gradus::classify
