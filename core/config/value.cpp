// Reading and showing durations, sizes, amounts and addresses.
#include "core/config/value.hpp"

#include "core/config/text.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace headroom::core {
namespace {

struct Unit {
    std::string_view name; ///< Lower case.
    double factor;
};

// Doubles are exact up to here; every bound on a setting is below.
constexpr double exact_max = 9.0e15;

/// A decimal number followed by one of the units (an empty name allows none); the product rounded to a whole
/// number.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) noexcept {
    text = trimmed(text);
    const auto digits = text.substr(0, text.find_first_not_of("0123456789."));
    const auto unit = trimmed(text.substr(digits.size()));
    double number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    for (const auto& [name, factor] : units) {
        if (!same_word(unit, name)) continue;
        const double product = number * factor;
        if (product > exact_max) return std::nullopt;
        return static_cast<std::uint64_t>(std::llround(product));
    }
    return std::nullopt;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
    static constexpr std::array<Unit, 7> units{
        {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"sec", 1e3}, {"m", 6e4}, {"min", 6e4}, {"h", 3.6e6}}};
    const auto count = parse_with_unit(text, units);
    if (!count) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(*count)};
}

std::string shown(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    return count % 1000 == 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
    static constexpr std::array<Unit, 8> units{{{"", 1},
                                                {"b", 1},
                                                {"kib", 1024.0},
                                                {"mib", 1048576.0},
                                                {"gib", 1073741824.0},
                                                {"kb", 1e3},
                                                {"mb", 1e6},
                                                {"gb", 1e9}}};
    return parse_with_unit(text, units);
}

std::string shown_bytes(std::uint64_t bytes) {
    constexpr std::array<std::pair<unsigned, std::string_view>, 3> units{
        {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}}};
    for (const auto& [shift, name] : units) {
        if (bytes != 0 && (bytes >> shift) << shift == bytes)
            return fmt::format("{}{}", bytes >> shift, name);
    }
    return fmt::format("{}", bytes);
}

std::optional<std::uint64_t> parse_amount(std::string_view text) noexcept {
    static constexpr std::array<Unit, 3> units{{{"", 1}, {"k", 1e3}, {"m", 1e6}}};
    // Underscores group digits, as in YAML 1.1 and most languages: only between two digits.
    std::array<char, 32> plain{};
    std::size_t length = 0;
    text = trimmed(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '_') {
            const auto digit = [&](std::size_t at) {
                return at < text.size() && text[at] >= '0' && text[at] <= '9';
            };
            if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
            continue;
        }
        if (length == plain.size()) return std::nullopt;
        plain[length++] = text[i];
    }
    return parse_with_unit({plain.data(), length}, units);
}

bool is_ipv4(std::string_view text) noexcept {
    in_addr address{};
    std::array<char, INET_ADDRSTRLEN> copy{};
    if (text.empty() || text.size() >= copy.size()) return false;
    text.copy(copy.data(), text.size());
    return ::inet_pton(AF_INET, copy.data(), &address) == 1;
}

bool is_ipv6(std::string_view text) noexcept {
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.empty() || text.size() >= copy.size()) return false;
    text.copy(copy.data(), text.size());
    return ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    text = trimmed(text);
    const auto colon = text.rfind(':');
    const auto port = parse_port(colon == std::string_view::npos ? text : text.substr(colon + 1));
    if (!port) return std::nullopt;
    auto address = colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
    if (address.empty() || address == "*") address = "0.0.0.0";
    if (same_word(address, "localhost")) address = "127.0.0.1";
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
        if (!is_ipv6(address)) return std::nullopt;
    } else if (!is_ipv4(address)) {
        return std::nullopt;
    }
    return ListenAddress{std::string{address}, *port};
}

} // namespace headroom::core
