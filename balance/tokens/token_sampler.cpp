// Windows are whole pieces, because a piece that is cut has more tokens than its share.
#include "balance/tokens/token_sampler.hpp"

#include "balance/bit_mixing.hpp"
#include "balance/tokens/text_features.hpp"
#include "balance/tokens/token_regression.hpp"

#include <array>
#include <cmath>

namespace headroom::balance {
namespace {

/// How far a window may reach to end with a piece: most do in the first, nearly all in the second.
constexpr std::size_t reaches[] = {288, 1536};

bool continues(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

} // namespace

/// From the end of the piece that begins at `at` to the end of the one that fills the window: dropping one
/// and keeping the other makes up for long pieces being met more often.
std::string_view TokenSampler::window(std::string_view text, std::size_t at) const noexcept {
    while (at + window_bytes < text.size() && continues(text[at]))
        ++at;
    for (const std::size_t reach : reaches) {
        const std::string_view view = text.substr(at, reach);
        std::array<Piece, reaches[0]> pieces;
        std::size_t end = 0;
        const std::size_t count = splitter_.split(view, end, pieces);
        const std::size_t from = count == 0 || at == 0 ? 0 : pieces[0].size;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t to = pieces[i].begin + std::size_t{pieces[i].size};
            if (to >= from + window_bytes && to < view.size()) return view.substr(from, to - from);
        }
    }
    // A piece is too long for that: any characters.
    std::size_t to = at + window_bytes < text.size() ? at + window_bytes : text.size();
    while (to < text.size() && continues(text[to]))
        ++to;
    return text.substr(at, to - at);
}

TextCount TokenSampler::count(std::string_view text, std::uint64_t random, TokenCounter& counter,
                              WorkBudget& budget) const noexcept {
    if (text.size() < text_bytes_min) return counter.count(text, budget);
    const std::size_t part = text.size() / window_count;
    const auto regressed = [this](std::string_view some) {
        return regressed_tokens(TextFeatures::of(some, isa_), encoding_);
    };
    double counted = 0;
    double expected = 0;
    for (std::size_t i = 0; i < window_count; ++i) {
        const std::size_t offset = mixed(random + i + mixing_step) % (part - window_bytes);
        const std::string_view sample = window(text, i * part + offset);
        const TextCount found = counter.count(sample, budget);
        if (!found.exact) break;
        counted += static_cast<double>(found.tokens);
        // What a byte counts for depends on up to three before it.
        const auto begin = static_cast<std::size_t>(sample.data() - text.data());
        const std::size_t context = begin < 3 ? begin : 3;
        expected += regressed(text.substr(begin - context, context + sample.size())) -
                    regressed(text.substr(begin - context, context));
    }
    const double whole = regressed(text);
    const double tokens = expected > 0 && counted > 0 ? whole * counted / expected : whole;
    return {static_cast<std::uint64_t>(std::llround(std::fmax(tokens, 1))), false};
}

} // namespace headroom::balance
