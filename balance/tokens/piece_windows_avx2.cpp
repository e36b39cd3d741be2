// Splitting with AVX2.
#include "balance/tokens/piece_windows.hpp"

#if defined(__x86_64__)

#include "balance/tokens/simd_avx2.hpp"
#define HEADROOM_WINDOW_TARGET HEADROOM_AVX2_TARGET
#include "balance/tokens/window_kernel.hpp"

namespace headroom::balance {

__attribute__((target(HEADROOM_WINDOW_TARGET))) std::size_t split_o200k_avx2(std::string_view text,
                                                                             std::size_t& at,
                                                                             std::span<Piece> out) noexcept {
    return split_windows<Avx2, Encoding::o200k_base>(text, at, out);
}

__attribute__((target(HEADROOM_WINDOW_TARGET))) std::size_t split_cl100k_avx2(std::string_view text,
                                                                              std::size_t& at,
                                                                              std::span<Piece> out) noexcept {
    return split_windows<Avx2, Encoding::cl100k_base>(text, at, out);
}

} // namespace headroom::balance

#endif
