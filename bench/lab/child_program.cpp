// posix_spawn, a pipe and waitpid: no shell in between, so nothing needs quoting.
#include "bench/lab/child_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace headroom::lab {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

ChildProgram::ChildProgram(const std::string& path, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment, bool with_errors) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
        throw ChildError("no pipe: " + std::string(std::strerror(errno)));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    if (with_errors) posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    std::vector<std::string> words = {path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environment;
    for (char** one = environ; *one != nullptr; ++one) {
        // What configures a proxy of the user's own must not configure this one.
        const std::string_view variable(*one);
        if (!variable.starts_with("HEADROOM_") && !variable.starts_with("BACKEND_"))
            variables.emplace_back(variable);
    }
    const int error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, pointers_to(words).data(),
                                  pointers_to(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    output_ = pipe_ends[0];
    if (error != 0) {
        pid_ = -1;
        close(output_);
        throw ChildError("cannot start " + path + ": " + std::strerror(error));
    }
}

ChildProgram::~ChildProgram() {
    stop();
    close(output_);
    wait();
}

std::optional<std::string> ChildProgram::line() {
    while (true) {
        if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
            std::string found = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return found;
        }
        std::array<char, 16384> some{};
        const ssize_t size = read(output_, some.data(), some.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return std::nullopt;
        pending_.append(some.data(), static_cast<std::size_t>(size));
    }
}

void ChildProgram::stop() noexcept {
    if (pid_ > 0 && !code_) kill(pid_, SIGTERM);
}

int ChildProgram::wait() noexcept {
    int status = 0;
    while (!code_ && pid_ > 0) {
        if (waitpid(pid_, &status, 0) == pid_) {
            code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (errno != EINTR) {
            code_ = -1;
        }
    }
    return code_.value_or(-1);
}

} // namespace headroom::lab
