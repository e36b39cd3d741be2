// The texts that settings are written in: durations, sizes, amounts, addresses. Each is read and shown, and
// what is shown reads back as the same value. Not here: whose setting it is and what is said about a mistake
// (core/config/reader.hpp).
#pragma once

#include "core/config.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::core {

/// "250ms", "30s", "1.5m", "2h", or a plain number of seconds; never negative.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;
[[nodiscard]] std::string shown(std::chrono::milliseconds duration);

/// "64KiB", "32MiB", "1.5GiB", "10MB" (decimal), or a plain number of bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;
[[nodiscard]] std::string shown_bytes(std::uint64_t bytes);

/// "30000", "30_000", "30K", "1.5M".
[[nodiscard]] std::optional<std::uint64_t> parse_amount(std::string_view text) noexcept;

/// "127.0.0.1:8080", "[::1]:8080", ":8080" (every IPv4 address), "8080", "localhost:8080", "*:8080".
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

/// Whether the text is a numeric IPv4 or (without brackets) IPv6 address.
[[nodiscard]] bool is_ipv4(std::string_view text) noexcept;
[[nodiscard]] bool is_ipv6(std::string_view text) noexcept;

/// Decimal digits only, 0 to 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

} // namespace headroom::core
