// Finds the control groups that bound this process, from its own group up to the top that is visible here.
// Shared by cpu_quota and memory_quota.
// Promises: works for cgroup v2, v1 and the hybrid of both, inside and outside containers; an unreadable or
// odd /proc is simply "no group known". The file root is an argument, so that tests bring their own /proc and
// /sys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

struct ControlGroups {
    std::vector<std::filesystem::path> unified;    ///< cgroup v2 folders, innermost first.
    std::vector<std::filesystem::path> controller; ///< v1 folders of the asked controller, innermost first.
};

/// The folders for a controller such as "cpu" or "memory" (cgroups(7), proc_pid_mountinfo(5)).
[[nodiscard]] ControlGroups find_control_groups(const std::filesystem::path& root,
                                                std::string_view controller);

/// The first bytes of a small file, without the trailing line break; empty when it cannot be read.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& file);

/// A whole text as a decimal number; empty for anything else ("max", "-1", blanks, overflow).
[[nodiscard]] std::optional<std::uint64_t> whole_number(std::string_view text) noexcept;

} // namespace headroom::core
