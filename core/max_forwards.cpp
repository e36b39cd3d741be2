// Max-Forwards: its number, read and bounded.
#include "core/max_forwards.hpp"

#include <algorithm>
#include <string_view>

namespace headroom::core {

std::optional<std::uint32_t> max_forwards(const net::Head& request) noexcept {
    if (request.method() != net::Method::options) return std::nullopt;
    const std::string_view text = request.find(net::FieldId::max_forwards);
    if (text.empty()) return std::nullopt;
    constexpr std::uint64_t most = 999'999'999;
    std::uint64_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        number = std::min(most, number * 10 + static_cast<std::uint64_t>(c - '0'));
    }
    return static_cast<std::uint32_t>(number);
}

} // namespace headroom::core
