// RFC 4648 sections 4 and 5: both alphabets are read, as servers do.
#include "balance/prompt/base64_bytes.hpp"

#include <algorithm>
#include <array>

namespace headroom::balance {
namespace {

constexpr int end_of_text = -1;
constexpr int blank = -2;

constexpr auto sextets = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(end_of_text);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    table['-'] = 62;
    table['_'] = 63;
    for (const char c : {' ', '\n', '\r', '\t'})
        table[static_cast<unsigned char>(c)] = blank;
    return table;
}();

int sextet_of(char c) noexcept {
    return sextets[static_cast<unsigned char>(c)];
}

} // namespace

/// What the escape at the front stands for.
int Base64Bytes::escaped() noexcept {
    raw_.remove_prefix(1);
    if (raw_.empty()) return end_of_text;
    const char kind = raw_.front();
    raw_.remove_prefix(1);
    if (kind == '/') return sextet_of('/');
    if (kind == 'n' || kind == 'r' || kind == 't') return blank;
    // HTML-safe encoders write + as an escape; nothing else in base64 needs one.
    if (kind != 'u' || raw_.size() < 4 || !raw_.starts_with("00")) return end_of_text;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        c = static_cast<char>(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    };
    const int high = digit(raw_[2]);
    const int low = digit(raw_[3]);
    raw_.remove_prefix(4);
    return high > 7 || low > 15 ? end_of_text : sextet_of(static_cast<char>(high << 4 | low));
}

int Base64Bytes::next_sextet() noexcept {
    while (!raw_.empty()) {
        int value = 0;
        if (raw_.front() == '\\') {
            value = escaped();
        } else {
            value = sextet_of(raw_.front());
            if (value != end_of_text) raw_.remove_prefix(1);
        }
        if (value != blank) {
            if (value == end_of_text) raw_ = {};
            return value;
        }
    }
    return end_of_text;
}

std::optional<std::uint8_t> Base64Bytes::next() noexcept {
    if (left_ == 0) return std::nullopt;
    while (bit_count_ < 8) {
        const int sextet = next_sextet();
        if (sextet < 0) return std::nullopt;
        bits_ = bits_ << 6 | static_cast<std::uint32_t>(sextet);
        bit_count_ += 6;
    }
    bit_count_ -= 8;
    --left_;
    ++position_;
    return static_cast<std::uint8_t>(bits_ >> bit_count_);
}

bool Base64Bytes::skip(std::size_t count) noexcept {
    if (count > left_) {
        left_ = 0;
        return false;
    }
    // To the next whole quantum of four characters, then over whole quanta at once.
    for (; count != 0 && bit_count_ != 0; --count) {
        if (!next()) return false;
    }
    const std::size_t quanta = std::min(count / 3, raw_.size() / 4);
    if (quanta != 0 && raw_.substr(0, quanta * 4).find('\\') == raw_.npos) {
        raw_.remove_prefix(quanta * 4);
        left_ -= quanta * 3;
        position_ += quanta * 3;
        count -= quanta * 3;
    }
    for (; count != 0; --count) {
        if (!next()) return false;
    }
    return true;
}

std::optional<std::uint32_t> Base64Bytes::big16() noexcept {
    const auto high = next();
    const auto low = next();
    if (!high || !low) return std::nullopt;
    return std::uint32_t{*high} << 8 | *low;
}

std::optional<std::uint32_t> Base64Bytes::big32() noexcept {
    const auto high = big16();
    const auto low = big16();
    if (!high || !low) return std::nullopt;
    return *high << 16 | *low;
}

std::optional<std::uint32_t> Base64Bytes::little16() noexcept {
    const auto low = next();
    const auto high = next();
    if (!high || !low) return std::nullopt;
    return std::uint32_t{*high} << 8 | *low;
}

std::optional<std::uint32_t> Base64Bytes::little32() noexcept {
    const auto low = little16();
    const auto high = little16();
    if (!high || !low) return std::nullopt;
    return *high << 16 | *low;
}

} // namespace headroom::balance
