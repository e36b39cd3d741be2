// The state machine of chunk lines and chunk data.
#include "net/http/chunked.hpp"

#include "net/http/characters.hpp"
#include "net/limits.hpp"

#include <algorithm>
#include <limits>

namespace headroom::net {
namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t';
}

constexpr unsigned value_of(char hexdigit) noexcept {
    const auto code = static_cast<unsigned char>(hexdigit);
    return code <= '9' ? code - unsigned{'0'} : (code | 0x20U) - 'a' + 10U;
}

} // namespace

bool ChunkedDecoder::fail(std::uint16_t status, const char* reason) noexcept {
    failure_ = {status, reason};
    state_ = State::failed;
    return false;
}

bool ChunkedDecoder::size_byte(char c) noexcept {
    if (is_a(c, CharacterClass::hexdigit)) {
        constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
        if (remaining_ > (most - value_of(c)) / 16) return fail(400, "chunk size out of range");
        remaining_ = remaining_ * 16 + value_of(c);
        state_ = State::size;
        return true;
    }
    if (state_ == State::size_begin) return fail(400, "invalid chunk size");
    if (c == '\r') {
        state_ = State::line_end;
    } else if (c == ';') {
        state_ = State::name_begin;
    } else if (is_space(c)) {
        state_ = State::before_extension;
    } else {
        return fail(400, "invalid chunk size");
    }
    return true;
}

/// Between extensions: whitespace must be followed by another one, the line may only end without it.
bool ChunkedDecoder::gap_byte(char c) noexcept {
    if (c == '\r' && state_ == State::after_quoted) {
        state_ = State::line_end;
    } else if (c == ';') {
        state_ = State::name_begin;
    } else if (is_space(c)) {
        state_ = State::before_extension;
    } else {
        return fail(400, "invalid chunk extension");
    }
    return true;
}

bool ChunkedDecoder::name_byte(char c) noexcept {
    const bool in_name = state_ == State::name_begin || state_ == State::name;
    if (in_name && is_a(c, CharacterClass::name)) {
        state_ = State::name;
        return true;
    }
    if (is_space(c)) {
        if (state_ == State::name) state_ = State::after_name;
        return true;
    }
    if (state_ == State::name_begin) return fail(400, "invalid chunk extension");
    switch (c) {
        case '=': state_ = State::value_begin; return true;
        case ';': state_ = State::name_begin; return true;
        case '\r':
            if (state_ == State::after_name) break;
            state_ = State::line_end;
            return true;
        default: break;
    }
    return fail(400, "invalid chunk extension");
}

bool ChunkedDecoder::value_byte(char c) noexcept {
    if (state_ == State::quoted_pair) {
        if (!is_a(c, CharacterClass::text)) return fail(400, "invalid chunk extension");
        state_ = State::quoted;
    } else if (state_ == State::quoted) {
        if (c == '"') {
            state_ = State::after_quoted;
        } else if (c == '\\') {
            state_ = State::quoted_pair;
        } else if (!is_a(c, CharacterClass::quoted)) {
            return fail(400, "invalid chunk extension");
        }
    } else if (is_a(c, CharacterClass::name)) {
        state_ = State::value;
    } else if (state_ == State::value_begin) {
        if (is_space(c)) return true;
        if (c != '"') return fail(400, "invalid chunk extension");
        state_ = State::quoted;
    } else {
        state_ = State::after_quoted; // what may follow a value does not depend on its quotes
        return gap_byte(c);
    }
    return true;
}

bool ChunkedDecoder::line_byte(char c) noexcept {
    if (++line_bytes_ > limits::chunk_line_bytes_max) return fail(400, "chunk line too long");
    switch (state_) {
        case State::size_begin:
        case State::size: return size_byte(c);
        case State::value_begin:
        case State::value:
        case State::quoted:
        case State::quoted_pair: ++extension_bytes_; return value_byte(c);
        case State::before_extension:
        case State::after_quoted: ++extension_bytes_; return gap_byte(c);
        default: ++extension_bytes_; return name_byte(c);
    }
}

bool ChunkedDecoder::end_line(std::uint64_t bytes_max) noexcept {
    if (extension_bytes_ > limits::chunk_extension_bytes_max) return fail(400, "chunk extensions too long");
    line_bytes_ = 0;
    if (remaining_ > bytes_max - std::min(bytes_max, body_bytes_)) return fail(413, "body too large");
    state_ = remaining_ == 0 ? State::last : State::data;
    return true;
}

ParseStatus ChunkedDecoder::decode(std::string_view input, std::uint64_t bytes_max, std::size_t& consumed,
                                   BodySpans& out) noexcept {
    std::size_t at = 0;
    bool well = state_ != State::failed;
    while (well && state_ != State::last && at < input.size()) {
        if (state_ == State::data) {
            if (out.full()) {
                consumed = at;
                return ParseStatus::full;
            }
            const std::uint64_t size = std::min<std::uint64_t>(remaining_, input.size() - at);
            out.add(input.substr(at, size));
            at += size;
            body_bytes_ += size;
            remaining_ -= size;
            if (remaining_ == 0) state_ = State::data_cr;
            continue;
        }
        const char c = input[at++];
        if (state_ == State::data_cr) {
            well = c == '\r' || fail(400, "chunk longer than its size");
            if (well) state_ = State::data_lf;
        } else if (state_ == State::data_lf) {
            well = c == '\n' || fail(400, "chunk longer than its size");
            if (well) state_ = State::size_begin;
        } else if (state_ == State::line_end) {
            well = (c == '\n' || fail(400, "bare CR in chunk line")) && end_line(bytes_max);
        } else {
            well = line_byte(c);
        }
    }
    consumed = at;
    if (!well) return ParseStatus::error;
    return state_ == State::last ? ParseStatus::done : ParseStatus::need_more;
}

} // namespace headroom::net
