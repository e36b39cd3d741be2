// A program that the lab starts beside itself: its output by lines, and its end.
// Owned by whoever started it; the destructor ends the program (SIGTERM) and waits for it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace headroom::lab {

/// A program could not be started, or ended too early.
class ChildError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class ChildProgram {
  public:
    /// `environment`: NAME=value, beside our own. Standard output is read; standard error too if
    /// `with_errors`, else it stays ours. Throws ChildError.
    ChildProgram(const std::string& path, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment, bool with_errors);
    ChildProgram(const ChildProgram&) = delete;
    ChildProgram& operator=(const ChildProgram&) = delete;
    ~ChildProgram();

    /// The next line; nothing at the end of the output. Blocks.
    [[nodiscard]] std::optional<std::string> line();
    /// Asks it to end; it may still write.
    void stop() noexcept;
    /// Waits for its end; the exit code, or 128 + the signal.
    int wait() noexcept;

  private:
    pid_t pid_ = -1;
    int output_ = -1;
    std::string pending_;
    std::optional<int> code_;
};

} // namespace headroom::lab
