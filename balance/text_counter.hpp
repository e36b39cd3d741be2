// How balance/ is told to count the tokens of a text without knowing who counts.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Gives the number of tokens of a UTF-8 text as ordinary text; empty: nobody counts, and callers estimate.
struct TextCounter {
    std::uint64_t (*count)(void* context, std::string_view text) noexcept = nullptr;
    void* context = nullptr;

    [[nodiscard]] explicit operator bool() const noexcept { return count != nullptr; }
    [[nodiscard]] std::uint64_t operator()(std::string_view text) const noexcept {
        return count(context, text);
    }
};

} // namespace headroom::balance
