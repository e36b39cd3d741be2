// One state machine over bytes; strings, numbers and literals are tokens that may be continued in the next
// piece.
#include "balance/json_scan.hpp"

#include "balance/ascii.hpp"
#include "balance/json_decode.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::balance {
namespace {

constexpr std::string_view byte_order_mark_text = "\xef\xbb\xbf";
constexpr std::size_t media_head_bytes = 16;

// States of a number (RFC 8259 section 6); `fail` is not a number.
enum Digits : std::uint8_t { start, minus, zero, whole, point, fraction, exponent, sign, power, fail };

constexpr Digits next_of(Digits state, char c) noexcept {
    if (is_digit(c)) {
        switch (state) {
            case start:
            case minus: return c == '0' ? zero : whole;
            case point: return fraction;
            case exponent:
            case sign: return power;
            case zero:
            case fail: return fail;
            default: return state;
        }
    }
    if (c == '-' && state == start) return minus;
    if (c == '.' && (state == zero || state == whole)) return point;
    if ((c | 0x20) == 'e' && (state == zero || state == whole || state == fraction)) return exponent;
    if ((c == '-' || c == '+') && state == exponent) return sign;
    return fail;
}

constexpr bool ends_well(std::uint8_t state) noexcept {
    return state == zero || state == whole || state == fraction || state == power;
}

constexpr bool is_number_byte(char c) noexcept {
    return is_digit(c) || c == '-' || c == '+' || c == '.' || (c | 0x20) == 'e';
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr bool is_base64(char c) noexcept {
    return is_digit(c) || is_letter(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

bool is_data_uri(std::string_view head) noexcept {
    return head.starts_with("data:image") || head.starts_with("data:audio") ||
           head.starts_with("data:video") || head.starts_with("data:application");
}

} // namespace

std::uint64_t JsonScan::offset_of(const char* at) const noexcept {
    return offset_ + static_cast<std::uint64_t>(at - piece_);
}

bool JsonScan::in_object() const noexcept {
    const unsigned index = depth_ - 1U;
    return depth_ != 0 && (is_object_[index / 64] >> (index % 64) & 1) != 0;
}

unsigned JsonScan::container_tag() const noexcept {
    return depth_ != 0 && depth_ <= tagged_depth_max ? tags_[depth_ - 1U] : 0;
}

std::size_t JsonScan::run(std::string_view piece, JsonSink& sink, bool one_value) noexcept {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    piece_ = at;
    split_ = true;
    if (offset_ < byte_order_mark_text.size()) at = byte_order_mark(at, end);
    while (at != end) {
        if (token_ != Token::none) {
            at = token(at, end, sink);
        } else if (expect_ >= Expect::end && one_value) {
            break;
        } else if (expect_ == Expect::nothing) {
            text_bytes_ += static_cast<std::uint64_t>(end - at);
            at = end;
        } else if (is_blank(*at)) {
            ++at;
        } else {
            at = structural(at, end, sink);
        }
    }
    const auto used = static_cast<std::size_t>(at - piece.data());
    offset_ += used;
    return used;
}

const char* JsonScan::token(const char* at, const char* end, JsonSink& sink) noexcept {
    if (token_ == Token::string) return string(at, end, sink);
    return token_ == Token::number ? number(at, end, sink) : literal(at, end, sink);
}

const char* JsonScan::byte_order_mark(const char* at, const char* end) noexcept {
    const auto expected = [&] {
        return offset_of(at) == mark_bytes_ && mark_bytes_ < byte_order_mark_text.size();
    };
    while (at != end && expected() && *at == byte_order_mark_text[mark_bytes_]) {
        ++mark_bytes_;
        ++at;
    }
    if (at != end && expected() && mark_bytes_ != 0) break_off();
    return at;
}

// Takes one byte outside of tokens, and a string as far as it goes; the other tokens are begun only.
const char* JsonScan::structural(const char* at, const char* end, JsonSink& sink) noexcept {
    const char c = *at;
    switch (expect_) {
        case Expect::comma_or_end:
            if (c == ',') {
                next_member();
            } else if (c == '}' || c == ']') {
                close(c == '}' ? JsonKind::object : JsonKind::array, at, sink);
            } else {
                break_off();
            }
            return at + 1;
        case Expect::colon:
            expect_ = Expect::value;
            if (c != ':') break_off();
            return at + 1;
        case Expect::key_or_end:
            if (c == '}') {
                close(JsonKind::object, at, sink);
                return at + 1;
            }
            [[fallthrough]];
        case Expect::key:
            if (c == '"') return begin_string(at, end, true, sink);
            break;
        case Expect::value_or_end:
            if (c == ']') {
                close(JsonKind::array, at, sink);
                return at + 1;
            }
            [[fallthrough]];
        case Expect::value:
            if (c == '"') return begin_string(at, end, false, sink);
            begin_value(at, sink);
            return at + 1;
        case Expect::end:
        case Expect::nothing: break;
    }
    break_off();
    return at + 1;
}

void JsonScan::begin_value(const char* at, JsonSink& sink) noexcept {
    const char c = *at;
    token_begin_ = offset_of(at);
    captured_ = 0;
    progress_ = 1;
    token_ = Token::literal;
    switch (c) {
        case '{': return open(JsonKind::object, at, sink);
        case '[': return open(JsonKind::array, at, sink);
        case 't': word_ = "true"; return;
        case 'f': word_ = "false"; return;
        case 'n': word_ = "null"; return;
        default: break;
    }
    progress_ = next_of(start, c);
    if (progress_ == fail) return break_off();
    token_ = Token::number;
    raw_bytes_ = 1;
    if (tag_ != 0) capture({at, 1});
}

void JsonScan::break_off() noexcept {
    token_ = Token::none;
    expect_ = Expect::nothing;
}

void JsonScan::end_value() noexcept {
    token_ = Token::none;
    expect_ = depth_ == 0 ? Expect::end : Expect::comma_or_end;
}

const char* JsonScan::begin_string(const char* at, const char* end, bool is_key, JsonSink& sink) noexcept {
    token_ = Token::string;
    token_begin_ = offset_of(at);
    is_key_ = is_key;
    split_ = false;
    captured_ = 0;
    raw_bytes_ = 0;
    tally_ = {};
    // Most strings of a request are names and roles: short, and without escapes.
    ++at;
    const char* const quote = find_close_quote(at, end);
    if (quote == nullptr) return string(at, end, sink);
    raw_bytes_ = static_cast<std::uint64_t>(quote - at);
    const unsigned tag = is_key ? container_tag() : tag_;
    if (tag == 0 && (is_key || *at != 'd')) {
        if (!is_key || depth_ > 1) text_bytes_ += raw_bytes_;
        is_key ? end_key(0) : end_value();
    } else {
        end_string({at, static_cast<std::size_t>(raw_bytes_)}, offset_of(quote) + 1, sink);
    }
    return skip_separator(quote + 1, end);
}

// What follows a string is nearly always a colon or a comma; taking it here saves a turn of the loop.
const char* JsonScan::skip_separator(const char* at, const char* end) noexcept {
    if (at == end) return at;
    if (expect_ == Expect::colon && *at == ':') {
        expect_ = Expect::value;
        return at + 1;
    }
    if (expect_ == Expect::comma_or_end && *at == ',') {
        next_member();
        return at + 1;
    }
    return at;
}

void JsonScan::next_member() noexcept {
    expect_ = in_object() ? Expect::key : Expect::value;
    tag_ = container_tag();
}

void JsonScan::end_key(unsigned tag) noexcept {
    token_ = Token::none;
    expect_ = Expect::colon;
    tag_ = tag;
}

const char* JsonScan::string(const char* at, const char* end, JsonSink& sink) noexcept {
    const char* const stop = skip_string(at, end, tally_);
    const std::string_view raw(at, static_cast<std::size_t>(stop - at));
    raw_bytes_ += raw.size();
    if (stop == end) {
        capture(raw);
        return end;
    }
    if (*stop != '"') {
        text_bytes_ += raw_bytes_;
        break_off();
        return stop;
    }
    if (split_) capture(raw);
    end_string(split_ ? std::string_view(text_.data(), captured_) : raw, offset_of(stop) + 1, sink);
    return stop + 1;
}

void JsonScan::end_string(std::string_view raw, std::uint64_t end, JsonSink& sink) noexcept {
    // Every escape is one byte longer than what it stands for, \u three (as three bytes of UTF-8).
    const std::uint64_t spelled = tally_.escapes + 2 * tally_.unicode_escapes;
    const std::uint64_t decoded = raw_bytes_ - std::min(raw_bytes_, spelled);
    const unsigned tag = is_key_ ? container_tag() : tag_;
    std::string_view text = raw;
    bool too_long = raw_bytes_ > capture_bytes_max;
    const bool media = !is_key_ && is_media(raw);
    if (tag != 0 && tally_.escapes != 0 && !too_long) {
        if (!split_) capture(raw);
        text = json_decode(std::span(text_).first(captured_));
    }
    if (is_key_) {
        if (depth_ > 1) text_bytes_ += decoded;
        too_long = too_long || text.size() > key_bytes_max;
        return end_key(tag == 0 ? 0 : sink.on_key(tag, too_long ? std::string_view() : text));
    }
    if (media) {
        media_bytes_ += raw_bytes_;
        ++media_count_;
    } else {
        text_bytes_ += decoded;
    }
    end_value();
    if (tag == 0) return;
    sink.on_scalar(tag, {JsonKind::string, too_long ? std::string_view() : text, too_long, token_begin_, end,
                         media ? 0 : decoded});
}

bool JsonScan::is_media(std::string_view raw) const noexcept {
    if (raw.starts_with('d') && is_data_uri(raw.substr(0, media_head_bytes))) return true;
    if (raw_bytes_ < base64_bytes_min || tally_.escapes != 0) return false;
    return std::all_of(raw.begin(), raw.begin() + media_head_bytes, is_base64);
}

void JsonScan::capture(std::string_view raw) noexcept {
    const bool wanted = token_ != Token::string || (is_key_ ? container_tag() : tag_) != 0;
    const std::size_t most = wanted ? capture_bytes_max : media_head_bytes;
    const std::size_t bytes = std::min(raw.size(), most - std::min<std::size_t>(captured_, most));
    std::memcpy(text_.data() + captured_, raw.data(), bytes);
    captured_ = static_cast<std::uint16_t>(captured_ + bytes);
}

const char* JsonScan::number(const char* at, const char* end, JsonSink& sink) noexcept {
    const char* const begin = at;
    auto state = static_cast<Digits>(progress_);
    while (at != end && is_number_byte(*at))
        state = next_of(state, *at++);
    progress_ = state;
    const std::string_view raw(begin, static_cast<std::size_t>(at - begin));
    raw_bytes_ += raw.size();
    if (tag_ != 0) capture(raw);
    if (at != end) end_number(offset_of(at), sink);
    return at;
}

void JsonScan::end_number(std::uint64_t end, JsonSink& sink) noexcept {
    if (!ends_well(progress_)) return break_off();
    if (depth_ > 1) ++numbers_;
    end_value();
    if (tag_ == 0) return;
    const bool too_long = raw_bytes_ > captured_;
    const std::string_view text(text_.data(), too_long ? 0 : captured_);
    sink.on_scalar(tag_, {JsonKind::number, text, too_long, token_begin_, end, 0});
}

const char* JsonScan::literal(const char* at, const char* end, JsonSink& sink) noexcept {
    while (at != end && progress_ < word_.size()) {
        if (*at != word_[progress_]) {
            break_off();
            return at;
        }
        ++progress_;
        ++at;
    }
    if (progress_ < word_.size()) return at;
    end_value();
    const JsonKind kind = word_[0] == 't'   ? JsonKind::true_value
                          : word_[0] == 'f' ? JsonKind::false_value
                                            : JsonKind::null;
    if (tag_ != 0) sink.on_scalar(tag_, {kind, {}, false, token_begin_, offset_of(at), 0});
    return at;
}

void JsonScan::open(JsonKind kind, const char* at, JsonSink& sink) noexcept {
    token_ = Token::none;
    if (depth_ == depth_max) return break_off();
    const bool object = kind == JsonKind::object;
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    std::uint64_t& word = is_object_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    const unsigned inside = tag_ == 0 ? 0 : sink.on_open(tag_, kind, offset_of(at));
    if (depth_ < tagged_depth_max) tags_[depth_] = inside;
    ++depth_;
    expect_ = object ? Expect::key_or_end : Expect::value_or_end;
    tag_ = container_tag();
}

void JsonScan::close(JsonKind kind, const char* at, JsonSink& sink) noexcept {
    if (in_object() != (kind == JsonKind::object)) return break_off();
    const unsigned inside = container_tag();
    --depth_;
    end_value();
    if (inside != 0) sink.on_close(inside, kind, offset_of(at) + 1);
}

bool JsonScan::finish(JsonSink& sink) noexcept {
    // Inside a container the document is cut, and the number may be too.
    if (token_ == Token::number && depth_ == 0) end_number(offset_, sink);
    return complete();
}

} // namespace headroom::balance
