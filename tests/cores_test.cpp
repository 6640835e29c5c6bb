// How many cores a container may use, from files such as Linux has.
#include "tensor/cores.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tensor/parallel.h"
#include "tests/temporary_folder.h"

using namespace gradus;

namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

double quota_with(const std::vector<std::pair<std::string, std::string>>& files) {
  const TemporaryFolder folder;
  for (const auto& [name, text] : files) folder.write(name, text);
  return core_quota(folder.path());
}

}  // namespace

TEST_CASE("cores: a container of version 2 sees its own group as the root") {
  const auto quota = [](const std::string& text) {
    return quota_with({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", text}});
  };
  CHECK(quota("200000 100000\n") == 2);
  CHECK(quota("150000 100000\n") == 1.5);
  CHECK(quota("5000 10000") == 0.5);
  CHECK(quota("max 100000\n") == kNone);
  for (const char* broken : {"", "\n", "200000", "-1 100000", "200000 0", "two cores"}) {
    CHECK(quota(broken) == kNone);
  }
}

TEST_CASE("cores: the least quota of a group and of those around it holds") {
  CHECK(quota_with({{"proc/self/cgroup", "0::/pods/one/app\n"},
                    {"sys/fs/cgroup/pods/cpu.max", "800000 100000\n"},
                    {"sys/fs/cgroup/pods/one/cpu.max", "300000 100000\n"},
                    {"sys/fs/cgroup/pods/one/app/cpu.max", "max 100000\n"},
                    {"sys/fs/cgroup/pods/two/cpu.max", "100000 100000\n"}}) == 3);
}

TEST_CASE("cores: version 1, with the group's files below its name or without it") {
  const std::string groups =
      "5:cpuset:/docker/4ba1\n4:cpu,cpuacct:/docker/4ba1\n1:name=systemd:/docker/4ba1\n0::/docker/"
      "4ba1\n";
  const std::string cpu = "sys/fs/cgroup/cpu,cpuacct/", named = cpu + "docker/4ba1/";
  CHECK(quota_with({{"proc/self/cgroup", groups},
                    {named + "cpu.cfs_quota_us", "400000\n"},
                    {named + "cpu.cfs_period_us", "100000\n"},
                    {cpu + "cpu.cfs_quota_us", "-1\n"},
                    {cpu + "cpu.cfs_period_us", "100000\n"}}) == 4);
  CHECK(quota_with({{"proc/self/cgroup", groups},
                    {cpu + "cpu.cfs_quota_us", "250000\n"},
                    {cpu + "cpu.cfs_period_us", "100000\n"}}) == 2.5);
  CHECK(quota_with({{"proc/self/cgroup", groups},
                    {cpu + "cpu.cfs_quota_us", "-1\n"},
                    {cpu + "cpu.cfs_period_us", "100000\n"}}) == kNone);
}

TEST_CASE("cores: no quota where there are no such files, or others") {
  CHECK(quota_with({}) == kNone);
  CHECK(quota_with({{"proc/self/cgroup", "\n0\nx:y\n0::/a\n"}}) == kNone);
  CHECK(quota_with({{"proc/self/cgroup", "4:cpuset,cpuacct:/\n"},
                    {"sys/fs/cgroup/cpuset,cpuacct/cpu.cfs_quota_us", "100000\n"},
                    {"sys/fs/cgroup/cpuset,cpuacct/cpu.cfs_period_us", "100000\n"}}) == kNone);
}

TEST_CASE("cores: the default number of threads") {
  CHECK(available_cores() >= 1);
  CHECK(available_cores() <= core_quota() + 1);
}
