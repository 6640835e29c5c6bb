// Two normal random numbers from two uniform ones, after Box and Muller, "A note on the generation of
// random normal deviates" (1958):
//
//   (a, b) = sqrt(-2 log(1 - u)) * (cos(2 pi v), sin(2 pi v))
//
// in f64, with sums, products, quotients and roots only, which are rounded alike everywhere. The C library's
// log, cos and sin are not: so one seed gives the same numbers on every machine. To within a few ulp of f64
// they are the numbers of exact arithmetic. Each fit is of least relative error.
#pragma once

#include <array>
#include <cstdint>

namespace gradus::box_muller {

inline constexpr double kLog2 = 0.693147180559945309417, kTwoPi = 6.28318530717958647693;
// The bits of sqrt(1/2): less these, those of the exponent are e where x = 2^e m, m from sqrt(1/2) to sqrt 2.
inline constexpr std::int64_t kRootHalf = 0x3FE6A09E667F3BCD;

// log m = 2 s + s^3 P(s^2) with s = (m - 1) / (m + 1).
inline constexpr double kLogFit[] = {0.14616449685088906, 0.1533172160055169,  0.1818288912526188,
                                     0.22222211134795078, 0.28571428625975487, 0.39999999999899505,
                                     0.666666666666667};
// sin(2 pi r) = 2 pi r + r^3 P(r^2) and cos(2 pi r) = 1 + r^2 P(r^2) for |r| <= 1/8.
inline constexpr double kSinFit[] = {3.786433349563312,  -15.094054182079907, 42.05868918088512,
                                     -76.70585973562093, 81.6052492760517,    -41.341702240399755};
inline constexpr double kCosFit[] = {-1.699034394065084, 7.903206911569629, -26.42625327585472,
                                     60.24464135270201,  -85.4568172066438, 64.93939402266824,
                                     -19.739208802178716};

// For numbers of 32 bits, as of Philox, that make u and v by to_uniform (tensor/philox.h).
std::array<double, 2> pair(std::uint32_t u, std::uint32_t v);

}  // namespace gradus::box_muller
