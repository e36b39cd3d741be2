// How much memory this process may really use: the base of the memory bound when the user gives none.
// Not here: finding the groups (core/cgroup.hpp).
#pragma once

#include <cstdint>
#include <filesystem>

namespace headroom::core {

/// Bytes: the tightest of cgroup v2 memory.max, v1 memory.limit_in_bytes and the machine's memory; 0 = not
/// known.
[[nodiscard]] std::uint64_t usable_memory_bytes(const std::filesystem::path& root = "/");

/// The effective value of limits.memory_bytes_total: as configured, else half of the usable memory, else 1
/// GiB.
[[nodiscard]] std::uint64_t memory_bound_bytes(std::uint64_t configured_bytes,
                                               const std::filesystem::path& root = "/");

} // namespace headroom::core
