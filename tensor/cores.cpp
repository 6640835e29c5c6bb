#include "tensor/cores.h"

#include <oneapi/tbb/info.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace gradus {

namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

double in_cores(double microseconds, double period) {
  return microseconds > 0 && period > 0 ? microseconds / period : kNone;
}

// cpu.max is "200000 100000", or "max 100000".
double quota_of_version_2(const std::filesystem::path& group) {
  std::ifstream file(group / "cpu.max");
  double microseconds = 0, period = 0;
  return file >> microseconds >> period ? in_cores(microseconds, period) : kNone;
}

// -1 is none.
double quota_of_version_1(const std::filesystem::path& group) {
  std::ifstream quota(group / "cpu.cfs_quota_us"), length(group / "cpu.cfs_period_us");
  double microseconds = 0, period = 0;
  return quota >> microseconds && length >> period ? in_cores(microseconds, period) : kNone;
}

// Of a group and all around it. In a container the group's name may be the machine's, while the files begin
// at the container's own group: then there are only files without the name.
template <class Quota>
double least(const std::filesystem::path& files, std::filesystem::path group, Quota quota) {
  double result = kNone;
  for (group = group.relative_path();; group = group.parent_path()) {
    result = std::min(result, quota(files / group));
    if (group.empty()) return result;
  }
}

}  // namespace

double core_quota(const std::filesystem::path& root) {
  const std::filesystem::path files = root / "sys/fs/cgroup";
  double result = kNone;
  std::ifstream groups(root / "proc/self/cgroup");
  // 4:cpu,cpuacct:/the/group of version 1, 0::/the/group of version 2
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      result = std::min(result, least(files, group, quota_of_version_2));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      result = std::min(result, least(files / controllers, group, quota_of_version_1));
    }
  }
  return result;
}

int available_cores() {
  const int cores = tbb::info::default_concurrency();
  return static_cast<int>(std::min<double>(cores, std::ceil(core_quota())));
}

}  // namespace gradus
