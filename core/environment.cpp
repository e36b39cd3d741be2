// Copies and searches environment variables.
#include "core/environment.hpp"

#include "core/config/text.hpp"

namespace headroom::core {

Environment Environment::of_process(const char* const* entries) {
    std::vector<Variable> variables;
    for (; entries != nullptr && *entries != nullptr; ++entries) {
        const std::string_view entry{*entries};
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return Environment{std::move(variables)};
}

std::string_view Environment::find(std::string_view name) const noexcept {
    for (const auto& [candidate, value] : variables_) {
        if (candidate == name) return trimmed(value);
    }
    return {};
}

} // namespace headroom::core
