// A keyed hash of deployment names (SipHash-1-3): without the key nobody can craft a name that shares
// another's slot.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Never 0; upper and lower case ASCII letters count as equal, as in Azure's resource names.
[[nodiscard]] std::uint64_t name_hash(std::string_view name, std::uint64_t seed) noexcept;

} // namespace headroom::balance
