// Which vocabulary a model counts its tokens with.
#pragma once

#include <cstdint>

namespace headroom::balance {

/// The public vocabularies; o200k_harmony has the ranks of o200k_base and counts as it.
enum class Encoding : std::uint8_t { o200k_base, cl100k_base, unknown };

} // namespace headroom::balance
