// The number of windows along an axis, for convolutions and pooling.
#pragma once

#include <cstdint>

namespace gradus {

// How many windows of `size` elements, `stride` apart, fit an axis of `extent` elements with
// `padding` more at both ends. Throws ShapeError, naming `op`, if none fits.
std::int64_t count_windows(const char* op, std::int64_t extent, std::int64_t size,
                           std::int64_t stride, std::int64_t padding = 0);

}  // namespace gradus
