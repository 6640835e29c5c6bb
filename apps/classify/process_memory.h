// How much memory the whole program has had at once: tensors, texts, tables and the libraries, and the
// pages of mapped files that were looked at.
#pragma once

#include <cstddef>

namespace gradus::classify {

// Bytes resident at once, at most, since the program began (VmHWM of Linux's /proc/self/status, proc(5));
// 0 where the system does not say.
std::size_t peak_process_memory();

}  // namespace gradus::classify
