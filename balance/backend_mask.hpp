// A set of backends, a bit each.
#pragma once

#include <bit>
#include <cstdint>

namespace headroom::balance {

/// One bit per backend.
using BackendMask = std::uint64_t;

[[nodiscard]] constexpr bool is_in(BackendMask mask, std::uint32_t backend) noexcept {
    return (mask >> backend & 1) != 0;
}

/// Calls `visit(backend)` for each in `mask`, in the order of their numbers.
template <class Visit>
constexpr void for_each(BackendMask mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1)
        visit(static_cast<std::uint32_t>(std::countr_zero(mask)));
}

} // namespace headroom::balance
