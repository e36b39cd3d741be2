// The scalar way, which says what the features are, and the choice of a faster one.
#include "balance/tokens/text_features.hpp"

#include "balance/tokens/text_features_avx.hpp"

namespace headroom::balance {
namespace {

enum class Kind : std::uint8_t { lower, upper, number, space, breaks, punctuation, beyond };

Kind kind_of(std::uint8_t byte) noexcept {
    if (byte >= 0x80) return Kind::beyond;
    if (byte >= 'a' && byte <= 'z') return Kind::lower;
    if (byte >= 'A' && byte <= 'Z') return Kind::upper;
    if (byte >= '0' && byte <= '9') return Kind::number;
    if (byte == ' ') return Kind::space;
    return byte >= '\t' && byte <= '\r' ? Kind::breaks : Kind::punctuation;
}

bool is_letter(Kind kind) noexcept {
    return kind == Kind::lower || kind == Kind::upper;
}

TextFeature script_of(std::uint8_t lead) noexcept {
    if (lead < 0xcc) return TextFeature::latin;
    if (lead < 0xd0) return TextFeature::greek;
    if (lead < 0xd5) return TextFeature::cyrillic;
    if (lead < 0xe0) return TextFeature::semitic;
    if (lead == 0xe0) return TextFeature::indic;
    if (lead == 0xe1) return TextFeature::asian;
    if (lead == 0xe2) return TextFeature::symbols;
    if (lead == 0xe3) return TextFeature::kana;
    if (lead < 0xea) return TextFeature::han;
    if (lead < 0xee) return TextFeature::hangul;
    return lead < 0xf0 ? TextFeature::wide : TextFeature::beyond_plane;
}

void add_letter(TextFeatures& features, Kind kind, Kind before) noexcept {
    if (!is_letter(before) && before != Kind::beyond) {
        features.add(TextFeature::word_start, 1);
        features.add(TextFeature::bare_word, before != Kind::space);
    }
    if (kind == Kind::upper) {
        features.add(TextFeature::lower_upper, before == Kind::lower);
        features.add(TextFeature::upper_upper, before == Kind::upper);
    }
}

TextFeatures text_features_scalar(std::string_view text) noexcept {
    TextFeatures features;
    Kind before = Kind::breaks; // Any that no feature asks for.
    std::size_t digits = 0;
    for (const char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        const Kind kind = kind_of(byte);
        digits = kind == Kind::number ? digits + 1 : 0;
        if (kind != Kind::beyond) features.add(static_cast<TextFeature>(kind), 1);
        if (is_letter(kind)) {
            add_letter(features, kind, before);
        } else if (kind == Kind::number) {
            features.add(TextFeature::number_start, digits == 1);
            features.add(TextFeature::number_fourth, digits > 3);
        } else if (kind == Kind::punctuation) {
            features.add(TextFeature::punctuation_start, before != kind);
        } else if (kind == Kind::space) {
            features.add(TextFeature::space_again, before == kind);
        } else if (kind == Kind::beyond && byte >= 0xc2) {
            features.add(TextFeature::beyond_start, !is_letter(before) && before != kind);
            features.add(script_of(byte), 1);
        }
        before = kind;
    }
    return features;
}

} // namespace

TextFeatures TextFeatures::of(std::string_view text, Isa isa) noexcept {
    if (!isa_supported(isa)) isa = best_isa();
#if defined(__x86_64__)
    if (isa == Isa::avx512) return text_features_avx512(text);
    if (isa == Isa::avx2) return text_features_avx2(text);
#endif
    return text_features_scalar(text);
}

} // namespace headroom::balance
