// What each kind of value looks like and what is said when it does not.
#include "core/config/reader.hpp"

#include "core/config/text.hpp"
#include "core/config/value.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace headroom::core {
namespace {

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string against(const std::string& folder, std::string_view file) {
    if (folder.empty() || file.starts_with('/')) return std::string{file};
    return (std::filesystem::path{folder} / file).lexically_normal().string();
}

/// Enough to know that a file is too long; empty when it cannot be read.
std::optional<std::string> read_secret_file(const std::string& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    std::string bytes(limits::secret_bytes_max + 1, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
}

} // namespace

std::string Reader::about(const GivenText& item, const std::string& text) const {
    // A variable or flag is its own place; a line of the file does not say which setting it is about.
    return item.source == given_.key ? text : given_.key + ": " + text;
}

void Reader::mistake(const GivenText& item, const std::string& text) {
    findings_.mistake(item.source, about(item, text));
}

void Reader::warning(const std::string& text) {
    findings_.warning(given_.items.front().source, about(given_.items.front(), text));
}

bool Reader::same(std::string_view word) const noexcept {
    return same_word(trimmed(text()), word);
}

void Reader::expected(std::string_view what) {
    mistake(fmt::format("expected {}, found {}", what, in_ticks(text())));
}

void Reader::refuse_word(std::span<const std::string_view> words) {
    expected(alternatives(words));
    // The list is short enough to read; a suggestion would only repeat it.
}

std::optional<std::uint64_t> Reader::checked_number(std::uint64_t least, std::uint64_t most, bool automatic) {
    if (automatic && same("auto")) return 0;
    std::uint64_t value = 0;
    const auto digits = trimmed(text());
    const bool plain = !digits.empty() && digits.size() <= 19 &&
                       std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    for (const char c : plain ? digits : std::string_view{})
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    if (plain && automatic && value == 0) return 0;
    if (plain && value >= least && value <= most) return value;
    expected(fmt::format("a whole number from {} to {}{}", least, most, automatic ? ", or auto" : ""));
    return std::nullopt;
}

std::optional<std::uint64_t> Reader::checked_bytes(std::uint64_t least, std::uint64_t most, bool automatic) {
    if (automatic && same("auto")) return 0;
    const auto value = parse_bytes(text());
    if (value && *value >= least && *value <= most) return value;
    expected(fmt::format("a size from {} to {}{}, such as 64KiB or 32MiB", shown_bytes(least),
                         shown_bytes(most), automatic ? " or auto" : ""));
    return std::nullopt;
}

void Reader::amount(std::uint64_t& target, std::uint64_t most) {
    const auto value = parse_amount(text());
    if (value && *value >= 1 && *value <= most) {
        target = *value;
    } else {
        expected(fmt::format("a whole number from 1 to {}, such as 30000 or 30K", most));
    }
}

void Reader::duration(std::chrono::milliseconds& target, std::chrono::milliseconds least) {
    const auto value = parse_duration(text());
    if (value && *value >= least && *value <= limits::timeout_max) {
        target = *value;
    } else {
        expected(fmt::format("a duration from {} to {}, such as 30s, 250ms or 2m (a plain number is seconds)",
                             shown(least), "24h"));
    }
}

void Reader::yes_no(bool& target) {
    static constexpr std::array<Named<bool>, 10> words{{{"true", true},
                                                        {"false", false},
                                                        {"yes", true},
                                                        {"no", false},
                                                        {"on", true},
                                                        {"off", false},
                                                        {"y", true},
                                                        {"n", false},
                                                        {"1", true},
                                                        {"0", false}}};
    for (const auto& [word, value] : words) {
        if (!same(word)) continue;
        target = value;
        return;
    }
    expected("true or false");
}

void Reader::word(std::string& target, std::size_t bytes_max) {
    const auto value = trimmed(text());
    if (value.empty() || value.size() > bytes_max || !is_printable(value)) {
        expected(fmt::format("1 to {} printable ASCII characters without blanks", bytes_max));
    } else {
        target = value;
    }
}

void Reader::name(std::string& target) {
    const auto value = trimmed(text());
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '_' || c == '-';
    };
    if (value.empty() || value.size() > limits::name_bytes_max || !std::ranges::all_of(value, allowed)) {
        expected(fmt::format("a name of 1 to {} letters, digits, '.', '_' or '-'", limits::name_bytes_max));
    } else {
        target = value;
    }
}

void Reader::file(std::string& target) {
    const auto value = trimmed(text());
    if (value.empty() || value.find('\0') != std::string_view::npos) {
        expected("the path of a file");
    } else {
        target = against(given_.folder, value);
    }
}

std::optional<ListenAddress> Reader::checked_address(const GivenText& item) {
    auto value = parse_listen_address(item.text);
    if (!value) {
        mistake(item, fmt::format("expected a numeric address and a port, such as 0.0.0.0:8080, [::]:8080 or "
                                  ":8080, found {}",
                                  in_ticks(item.text)));
    }
    return value;
}

void Reader::address(ListenAddress& target) {
    if (auto value = checked_address(given_.items.front())) target = *std::move(value);
}

void Reader::addresses(std::vector<ListenAddress>& target) {
    std::vector<ListenAddress> all;
    for (const auto& item : given_.items) {
        if (all.size() == limits::listen_addresses_max) {
            mistake(item, fmt::format("at most {} addresses", all.size()));
            break;
        }
        if (auto value = checked_address(item)) all.push_back(*std::move(value));
    }
    if (!all.empty()) target = std::move(all);
}

void Reader::take_secret(Secret& target, std::string_view bytes, std::string_view what) {
    bytes = trimmed(bytes);
    // It goes into a header field, so a line break in it would be a header of its own.
    if (bytes.empty()) {
        mistake(fmt::format("{} is empty", what));
    } else if (bytes.size() > limits::secret_bytes_max) {
        mistake(fmt::format("{} is longer than {} characters", what, limits::secret_bytes_max));
    } else if (!is_printable(bytes)) {
        mistake(fmt::format("{} has a blank, line break or other character that no key has", what));
    } else {
        if (bytes.find_first_of("<>{}") != std::string_view::npos) {
            warning(fmt::format("{} looks like a placeholder", what));
        }
        target = Secret{std::string{bytes}};
    }
}

void Reader::secret(Secret& target) {
    take_secret(target, text(), "the key");
}

void Reader::secret_from_environment(Secret& target) {
    const std::string variable{trimmed(text())};
    const auto value = environment_.find(variable);
    if (value.empty()) {
        mistake(fmt::format("the environment variable {} is not set", in_ticks(variable)));
    } else {
        take_secret(target, value, fmt::format("the value of {}", in_ticks(variable)));
    }
}

void Reader::secret_from_file(Secret& target) {
    std::string path;
    file(path);
    if (path.empty()) return;
    const auto bytes = read_secret_file(path);
    if (!bytes) {
        mistake(fmt::format("cannot read the file {}", in_ticks(path)));
    } else {
        take_secret(target, *bytes, fmt::format("the content of {}", in_ticks(path)));
    }
}

} // namespace headroom::core
