// Text features with AVX2.
#include "balance/tokens/text_features_avx.hpp"

#if defined(__x86_64__)

#include "balance/tokens/simd_avx2.hpp"
#define HEADROOM_WINDOW_TARGET HEADROOM_AVX2_TARGET
#include "balance/tokens/feature_kernel.hpp"

namespace headroom::balance {

__attribute__((target(HEADROOM_WINDOW_TARGET))) TextFeatures
text_features_avx2(std::string_view text) noexcept {
    return count_features<Avx2>(text);
}

} // namespace headroom::balance

#endif
