// Splitting in windows of 64 bytes: one version per instruction set and encoding, for machines that have
// them.
#pragma once

#include "balance/tokens/piece.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace headroom::balance {

#if defined(__x86_64__)

/// PieceSplitter::split() with AVX2, BMI1, BMI2, LZCNT and POPCNT.
std::size_t split_o200k_avx2(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept;
std::size_t split_cl100k_avx2(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept;

/// The same with AVX-512 F, BW, VBMI and VBMI2 as well.
std::size_t split_o200k_avx512(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept;
std::size_t split_cl100k_avx512(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept;

#endif

} // namespace headroom::balance
