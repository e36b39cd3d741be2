// One pretoken: the unit that byte pairs are merged in.
#pragma once

#include <cstdint>

namespace headroom::balance {

/// The bytes [begin, begin + size) of the text it lies in; texts are smaller than 4 GiB.
struct Piece {
    std::uint32_t begin;
    std::uint32_t size;

    friend bool operator==(const Piece&, const Piece&) = default;
};

} // namespace headroom::balance
