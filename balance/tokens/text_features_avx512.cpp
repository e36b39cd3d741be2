// Text features with AVX-512.
#include "balance/tokens/text_features_avx.hpp"

#if defined(__x86_64__)

#include "balance/tokens/simd_avx512.hpp"
#define HEADROOM_WINDOW_TARGET HEADROOM_AVX512_TARGET
#include "balance/tokens/feature_kernel.hpp"

namespace headroom::balance {

__attribute__((target(HEADROOM_WINDOW_TARGET))) TextFeatures
text_features_avx512(std::string_view text) noexcept {
    return count_features<Avx512>(text);
}

} // namespace headroom::balance

#endif
