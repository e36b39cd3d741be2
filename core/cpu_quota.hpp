// How many CPUs this process may really use: the worker count when the user gives none.
// A container with half a CPU on a 64-core host gets one worker, not 64 (which would be throttled in bursts).
// Not here: finding the groups (core/cgroup.hpp).
#pragma once

#include <filesystem>

namespace headroom::core {

/// The tightest of cgroup v2 cpu.max, v1 cpu.cfs_quota_us and the CPU affinity, rounded up; at least 1.
[[nodiscard]] unsigned usable_cpus();

/// As above with /proc and /sys below `root` and a given affinity; a limit that cannot be read is no limit.
[[nodiscard]] unsigned usable_cpus(const std::filesystem::path& root, unsigned affinity_cpus);

} // namespace headroom::core
