// Reads /proc/self/cgroup and /proc/self/mountinfo.
#include "core/cgroup.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

namespace headroom::core {
namespace {

// /proc/self/mountinfo of a busy host can be long; beyond this we would rather know nothing.
constexpr std::size_t proc_bytes_max = 1U << 20U;
constexpr int group_depth_max = 64;

std::string read_bounded(const std::filesystem::path& file, std::size_t bytes_max) {
    std::ifstream in(file, std::ios::binary);
    std::string bytes;
    std::array<char, 4096> piece{};
    while (in && bytes.size() < bytes_max) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        bytes.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    return bytes;
}

bool lists(std::string_view comma_separated, std::string_view wanted) {
    while (!comma_separated.empty()) {
        const auto comma = comma_separated.find(',');
        if (comma_separated.substr(0, comma) == wanted) return true;
        if (comma == std::string_view::npos) return false;
        comma_separated.remove_prefix(comma + 1);
    }
    return false;
}

/// The kernel writes blanks, tabs and backslashes of a path as three octal digits.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned code = 0;
        if (text[at] == '\\' && at + 3 < text.size() &&
            std::from_chars(&text[at + 1], &text[at + 1] + 3, code, 8).ptr == &text[at + 1] + 3) {
            plain += static_cast<char>(code);
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

struct Mount {
    std::string group; ///< Which group is visible at `point`.
    std::string point;
};

struct Mounts {
    std::optional<Mount> unified;
    std::optional<Mount> controller;
};

Mounts find_mounts(const std::string& mountinfo, std::string_view controller) {
    Mounts found;
    std::istringstream lines(mountinfo);
    for (std::string line; std::getline(lines, line);) {
        // 32 31 0:29 /group /sys/fs/cgroup/cpu rw shared:1 - cgroup cgroup rw,cpu
        const auto dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::istringstream before(line.substr(0, dash));
        std::istringstream after(line.substr(dash + 3));
        std::string id, parent, device, group, point, kind, source, options;
        before >> id >> parent >> device >> group >> point;
        after >> kind >> source >> options;
        if (kind == "cgroup2" && !found.unified) {
            found.unified = Mount{unescaped(group), unescaped(point)};
        } else if (kind == "cgroup" && lists(options, controller) && !found.controller) {
            found.controller = Mount{unescaped(group), unescaped(point)};
        }
    }
    return found;
}

struct Memberships {
    std::optional<std::string> unified;
    std::optional<std::string> controller;
};

Memberships find_memberships(const std::string& cgroup, std::string_view controller) {
    Memberships found;
    std::istringstream lines(cgroup);
    for (std::string line; std::getline(lines, line);) {
        // 4:cpu,cpuacct:/docker/1234 for v1, 0::/system.slice/x.service for v2
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto controllers = std::string_view{line}.substr(first + 1, second - first - 1);
        if (controllers.empty()) {
            found.unified = line.substr(second + 1);
        } else if (lists(controllers, controller)) {
            found.controller = line.substr(second + 1);
        }
    }
    return found;
}

std::vector<std::filesystem::path> folders(const std::filesystem::path& root, const Mount& mount,
                                           std::string_view group) {
    // Inside a container the mount shows only our own subtree: what is above its root is not visible.
    if (mount.group != "/" && group.starts_with(mount.group)) group.remove_prefix(mount.group.size());
    // "/../.." is a group outside of our cgroup namespace.
    if (group.find("..") != std::string_view::npos) group = {};
    std::vector<std::filesystem::path> found;
    for (int depth = 0; depth < group_depth_max && !group.empty() && group != "/"; ++depth) {
        found.push_back(root / std::filesystem::path{mount.point + std::string{group}}.relative_path());
        group = group.substr(0, group.rfind('/'));
    }
    found.push_back(root / std::filesystem::path{mount.point}.relative_path());
    return found;
}

} // namespace

std::string read_small_file(const std::filesystem::path& file) {
    auto bytes = read_bounded(file, 4096);
    while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == ' '))
        bytes.pop_back();
    return bytes;
}

std::optional<std::uint64_t> whole_number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

ControlGroups find_control_groups(const std::filesystem::path& root, std::string_view controller) {
    const auto groups = find_memberships(read_bounded(root / "proc/self/cgroup", proc_bytes_max), controller);
    const auto mounts = find_mounts(read_bounded(root / "proc/self/mountinfo", proc_bytes_max), controller);
    ControlGroups found;
    if (mounts.unified && groups.unified) found.unified = folders(root, *mounts.unified, *groups.unified);
    if (mounts.controller && groups.controller) {
        found.controller = folders(root, *mounts.controller, *groups.controller);
    }
    return found;
}

} // namespace headroom::core
