// Names of methods.
#include "net/http/method.hpp"

#include <array>
#include <cstddef>

namespace headroom::net {
namespace {

constexpr std::array<std::string_view, 7> names = {"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};

} // namespace

std::optional<Method> method_from(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return static_cast<Method>(i);
    }
    return std::nullopt;
}

std::string_view name_of(Method method) noexcept {
    return names[static_cast<std::size_t>(method)];
}

} // namespace headroom::net
