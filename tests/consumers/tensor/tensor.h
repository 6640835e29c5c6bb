// A header of the consumer's own, with a name that Gradus has too.
#pragma once

inline constexpr int kOwnTensor = 42;
