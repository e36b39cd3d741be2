// Splitting with AVX-512.
#include "balance/tokens/piece_windows.hpp"

#if defined(__x86_64__)

#include "balance/tokens/simd_avx512.hpp"
#define HEADROOM_WINDOW_TARGET HEADROOM_AVX512_TARGET
#include "balance/tokens/window_kernel.hpp"

namespace headroom::balance {

__attribute__((target(HEADROOM_WINDOW_TARGET))) std::size_t split_o200k_avx512(
    std::string_view text, std::size_t& at, std::span<Piece> out) noexcept {
    return split_windows<Avx512, Encoding::o200k_base>(text, at, out);
}

__attribute__((target(HEADROOM_WINDOW_TARGET))) std::size_t split_cl100k_avx512(
    std::string_view text, std::size_t& at, std::span<Piece> out) noexcept {
    return split_windows<Avx512, Encoding::cl100k_base>(text, at, out);
}

} // namespace headroom::balance

#endif
