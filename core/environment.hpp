// The process's environment variables as a value, so that tests need no setenv and a reload sees one
// consistent set. Shared by the configuration and main.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::core {

class Environment {
  public:
    using Variable = std::pair<std::string, std::string>; ///< Name and value as they were given.

    Environment() = default;
    explicit Environment(std::vector<Variable> variables) : variables_(std::move(variables)) {}

    /// Copies a null-terminated "NAME=value" array such as `environ`; entries without '=' are skipped.
    static Environment of_process(const char* const* entries);

    /// The first variable of exactly this name with its value trimmed of blanks; empty when absent.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<Variable>& variables() const noexcept { return variables_; }

  private:
    std::vector<Variable> variables_;
};

} // namespace headroom::core
