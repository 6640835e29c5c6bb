// How many cores this process may keep busy: the default number of threads (tensor/parallel.h).
//
//   set_num_threads(available_cores() - 1);   // leave one to others
//
// A container sees all cores of its machine, and may still get the time of two: `docker run --cpus 2` and
// Kubernetes's limits set a quota of its control group. Sixty-four threads would use up two cores' time early
// in each tenth of a second, and then all stand still until the next.
#pragma once

#include <filesystem>

namespace gradus {

// The cores that the process may run on, or fewer if its quota is less. A part of a core counts as one.
int available_cores();

// The quota in cores: the least of the process's control group and the groups around it, as the files below
// `root` say (Linux's cgroups(7), both versions). Infinity if there is none, or it cannot be read.
double core_quota(const std::filesystem::path& root = "/");

}  // namespace gradus
