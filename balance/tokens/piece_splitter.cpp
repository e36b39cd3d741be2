// Chooses the way of splitting when a splitter is made; the scalar way is the pattern itself.
#include "balance/tokens/piece_splitter.hpp"

#include "balance/tokens/piece_matcher.hpp"
#include "balance/tokens/piece_windows.hpp"

namespace headroom::balance {
namespace {

using Match = const char* (*)(const char*, const char*) noexcept;

template <Match match>
std::size_t split_scalar(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* next = begin + at;
    std::size_t count = 0;
    while (count < out.size() && next != end) {
        const char* const behind = match(next, end);
        out[count++] = {static_cast<std::uint32_t>(next - begin), static_cast<std::uint32_t>(behind - next)};
        next = behind;
    }
    at = static_cast<std::size_t>(next - begin);
    return count;
}

#if defined(__x86_64__)

bool has_avx2() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
           __builtin_cpu_supports("popcnt");
}

bool has_avx512() noexcept {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}

#endif

} // namespace

bool isa_supported(Isa isa) noexcept {
#if defined(__x86_64__)
    return isa == Isa::scalar || (isa == Isa::avx2 ? has_avx2() : has_avx512());
#else
    return isa == Isa::scalar;
#endif
}

Isa best_isa() noexcept {
    if (isa_supported(Isa::avx512)) return Isa::avx512;
    return isa_supported(Isa::avx2) ? Isa::avx2 : Isa::scalar;
}

PieceSplitter::PieceSplitter(Encoding encoding, Isa isa) noexcept
    : split_(encoding == Encoding::cl100k_base ? split_scalar<match_cl100k> : split_scalar<match_o200k>) {
    if (!isa_supported(isa)) isa = best_isa();
#if defined(__x86_64__)
    const bool cl100k = encoding == Encoding::cl100k_base;
    if (isa == Isa::avx2) split_ = cl100k ? split_cl100k_avx2 : split_o200k_avx2;
    if (isa == Isa::avx512) split_ = cl100k ? split_cl100k_avx512 : split_o200k_avx512;
#endif
}

} // namespace headroom::balance
