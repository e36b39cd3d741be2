// Probing, and becoming the sibling.
#include "core/io_choice.hpp"

#include "net/loop.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace headroom::core {
namespace {

bool is_uring() {
    return net::Loop::name() == "io_uring";
}

/// Only comes back when that failed; tells why, and the exit status.
int become(std::string_view sibling, std::span<const char* const> arguments) {
    std::error_code failure;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
    if (failure) {
        std::cerr << "headroom: cannot find this program's folder: " << failure.message() << '\n';
        return 2;
    }
    const std::string path = (self.parent_path() / sibling).string();
    std::vector<char*> copies;
    for (const char* argument : arguments)
        copies.push_back(const_cast<char*>(argument));
    copies.push_back(nullptr);
    execv(path.c_str(), copies.data());
    std::cerr << "headroom: cannot start " << path << ": " << std::strerror(errno) << '\n';
    return 2;
}

} // namespace

int settle_io(IoMode mode, std::span<const char* const> arguments) {
    if (!is_uring()) {
        if (mode != IoMode::uring) return 0;
        return become("headroom", arguments);
    }
    if (mode == IoMode::epoll) return become("headroom-epoll", arguments);
    const std::string refused = net::Loop::probe();
    if (refused.empty()) return 0;
    if (mode == IoMode::uring) {
        std::cerr << "headroom: io_uring was asked for (--io uring) but is not usable here: " << refused
                  << ". Use --io auto or --io epoll.\n";
        return 2;
    }
    std::cerr << "headroom: io_uring is not usable here (" << refused << "); using epoll\n";
    return become("headroom-epoll", arguments);
}

} // namespace headroom::core
