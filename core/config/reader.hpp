// Judges one setting's text, wherever it came from, and stores it or says what was expected.
// Shared by the tables of settings; the file, the environment and the flags all go through here, so that a
// value means the same and is refused with the same words everywhere. Not here: which settings exist
// (core/config/settings.hpp).
#pragma once

#include "core/config.hpp"
#include "core/config/finding.hpp"
#include "core/environment.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::core {

/// A text and where it stands.
struct GivenText {
    std::string text;
    std::string source; ///< As Finding::source.
};

/// A setting as one source gives it.
struct Given {
    std::string key;              ///< As the user knows it there, for messages: "timeouts.idle".
    std::vector<GivenText> items; ///< One, or several for a list.
    std::string folder; ///< What relative file names are relative to; empty = the working directory.
};

template <typename T>
struct Named {
    std::string_view word;
    T value;
};

class Reader {
  public:
    /// `given` has at least one item and outlives the reader.
    Reader(const Given& given, const Environment& environment, Findings& findings)
        : given_(given), environment_(environment), findings_(findings) {}

    /// Whole number from least to most.
    template <std::unsigned_integral T>
    void number(T& target, std::uint64_t least, std::uint64_t most) {
        if (const auto value = checked_number(least, most, false)) target = static_cast<T>(*value);
    }
    /// As number(), or "auto", which is stored as 0.
    template <std::unsigned_integral T>
    void number_or_auto(T& target, std::uint64_t least, std::uint64_t most) {
        if (const auto value = checked_number(least, most, true)) target = static_cast<T>(*value);
    }
    /// Size in bytes; "auto" is allowed when `automatic` and stored as 0.
    template <std::unsigned_integral T>
    void bytes(T& target, std::uint64_t least, std::uint64_t most, bool automatic = false) {
        if (const auto value = checked_bytes(least, most, automatic)) target = static_cast<T>(*value);
    }
    template <typename T, std::size_t N>
    void choice(T& target, const std::array<Named<T>, N>& choices) {
        for (const auto& [word, value] : choices) {
            if (same(word)) {
                target = value;
                return;
            }
        }
        std::array<std::string_view, N> words;
        for (std::size_t i = 0; i < N; ++i)
            words[i] = choices[i].word;
        refuse_word(words);
    }
    void amount(std::uint64_t& target, std::uint64_t most);
    void duration(std::chrono::milliseconds& target,
                  std::chrono::milliseconds least = std::chrono::milliseconds{1});
    void yes_no(bool& target);
    /// Printable ASCII without blanks, at most `bytes_max`.
    void word(std::string& target, std::size_t bytes_max);
    /// A letter, digit, '.', '_' or '-' each.
    void name(std::string& target);
    /// A file's path, made relative to where it is given; whether it exists is checked later.
    void file(std::string& target);
    void address(ListenAddress& target);
    void addresses(std::vector<ListenAddress>& target);
    /// A credential in the text itself, in the environment variable named by the text, or in the file named
    /// by it.
    void secret(Secret& target);
    void secret_from_environment(Secret& target);
    void secret_from_file(Secret& target);

    [[nodiscard]] const std::string& text() const noexcept { return given_.items.front().text; }
    [[nodiscard]] const std::vector<GivenText>& items() const noexcept { return given_.items; }
    /// Findings name the setting unless their place does.
    void mistake(const std::string& text) { mistake(given_.items.front(), text); }
    void mistake(const GivenText& item, const std::string& text);
    void warning(const std::string& text);

  private:
    [[nodiscard]] std::string about(const GivenText& item, const std::string& text) const;
    [[nodiscard]] bool same(std::string_view word) const noexcept;
    void refuse_word(std::span<const std::string_view> words);
    void expected(std::string_view what);
    std::optional<std::uint64_t> checked_number(std::uint64_t least, std::uint64_t most, bool automatic);
    std::optional<std::uint64_t> checked_bytes(std::uint64_t least, std::uint64_t most, bool automatic);
    std::optional<ListenAddress> checked_address(const GivenText& item);
    void take_secret(Secret& target, std::string_view bytes, std::string_view what);

    const Given& given_;
    const Environment& environment_;
    Findings& findings_;
};

} // namespace headroom::core
