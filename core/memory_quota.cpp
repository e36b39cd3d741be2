// Reads the memory limits of the control groups and of the machine.
#include "core/memory_quota.hpp"

#include "core/cgroup.hpp"

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>

namespace headroom::core {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t machine_bytes(const std::filesystem::path& root) {
    std::istringstream words(read_small_file(root / "proc/meminfo")); // MemTotal:  24684084 kB
    std::string label;
    std::uint64_t kibibytes = 0;
    words >> label >> kibibytes;
    return label == "MemTotal:" && kibibytes < unlimited / 1024 ? kibibytes * 1024 : unlimited;
}

} // namespace

std::uint64_t usable_memory_bytes(const std::filesystem::path& root) {
    std::uint64_t bytes = machine_bytes(root);
    const auto groups = find_control_groups(root, "memory");
    for (const auto& folder : groups.unified) {
        bytes = std::min(bytes, whole_number(read_small_file(folder / "memory.max")).value_or(unlimited));
    }
    for (const auto& folder : groups.controller) {
        // No limit is a huge number here, so the machine's memory wins.
        bytes = std::min(bytes,
                         whole_number(read_small_file(folder / "memory.limit_in_bytes")).value_or(unlimited));
    }
    return bytes == unlimited ? 0 : bytes;
}

std::uint64_t memory_bound_bytes(std::uint64_t configured_bytes, const std::filesystem::path& root) {
    if (configured_bytes != 0) return configured_bytes;
    const auto usable = usable_memory_bytes(root);
    return usable == 0 ? 1ULL << 30U : usable / 2;
}

} // namespace headroom::core
