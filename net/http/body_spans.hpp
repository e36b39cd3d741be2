// BodySpans: decoded pieces of a body, as views into the bytes that were parsed.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace headroom::net {

struct BodySpans {
    static constexpr std::size_t pieces_max = 16;
    std::array<std::string_view, pieces_max> pieces;
    std::size_t count = 0;

    bool full() const noexcept { return count == pieces_max; }
    /// An empty piece is left out; there must be a place.
    void add(std::string_view piece) noexcept {
        if (!piece.empty()) pieces[count++] = piece;
    }
};

} // namespace headroom::net
