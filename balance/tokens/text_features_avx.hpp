// Text features with vector instructions, for machines that have them.
#pragma once

#include "balance/tokens/text_features.hpp"

#include <string_view>

namespace headroom::balance {

#if defined(__x86_64__)

/// TextFeatures::of() with what Isa::avx2 needs.
[[nodiscard]] TextFeatures text_features_avx2(std::string_view text) noexcept;
/// TextFeatures::of() with what Isa::avx512 needs.
[[nodiscard]] TextFeatures text_features_avx512(std::string_view text) noexcept;

#endif

} // namespace headroom::balance
