// What every file with Highway code includes before it: the CPUs to compile for. Highway compiles
// such a file once for each and picks at run time. On x86: AVX-512 (AVX3), AVX2 and a plain
// baseline; the ones between and beyond would cost compile time and gain little.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
