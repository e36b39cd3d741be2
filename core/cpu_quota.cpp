// Reads the CPU limits of the control groups and of the scheduler.
#include "core/cpu_quota.hpp"

#include "core/cgroup.hpp"
#include "core/limits.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace headroom::core {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t cpus_of(std::string_view quota, std::string_view period) {
    const auto run = whole_number(quota);
    const auto of = whole_number(period);
    if (!run || !of || *run == 0 || *of == 0) return unlimited; // "max" or -1
    return *run / *of + (*run % *of != 0 ? 1 : 0);
}

unsigned affinity() {
    // Larger than any machine Linux runs on today: the call fails when the kernel's own mask is longer.
    constexpr int cpus_max = 8192;
    cpu_set_t* mask = CPU_ALLOC(cpus_max);
    if (mask == nullptr) return 1;
    const std::size_t bytes = CPU_ALLOC_SIZE(cpus_max);
    const int count = ::sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 1;
    CPU_FREE(mask);
    return static_cast<unsigned>(std::max(count, 1));
}

} // namespace

unsigned usable_cpus() {
    return usable_cpus("/", affinity());
}

unsigned usable_cpus(const std::filesystem::path& root, unsigned affinity_cpus) {
    std::uint64_t cpus = std::clamp(affinity_cpus, 1U, limits::workers_max);
    // Every ancestor may be tighter than the innermost group.
    const auto groups = find_control_groups(root, "cpu");
    for (const auto& folder : groups.unified) {
        const auto text = read_small_file(folder / "cpu.max"); // "150000 100000" or "max 100000"
        const auto blank = text.find(' ');
        if (blank == std::string::npos) continue;
        cpus = std::min(cpus, cpus_of(text.substr(0, blank), text.substr(blank + 1)));
    }
    for (const auto& folder : groups.controller) {
        cpus = std::min(cpus, cpus_of(read_small_file(folder / "cpu.cfs_quota_us"),
                                      read_small_file(folder / "cpu.cfs_period_us")));
    }
    return static_cast<unsigned>(cpus);
}

} // namespace headroom::core
