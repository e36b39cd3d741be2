// The search runs over whole pieces; names, escapes and what lies between them are looked at byte by byte.
#include "balance/stream_text.hpp"

#include "balance/ascii.hpp"
#include "balance/byte_search.hpp"
#include "balance/json_decode.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace headroom::balance {
namespace {

constexpr std::array<std::string_view, 5> chat_names{"\"content\"", "\"arguments\"", "\"reasoning_content\"",
                                                     "\"reasoning\"", "\"refusal\""};
constexpr std::array<std::string_view, 1> completions_names{"\"text\""};
constexpr std::array<std::string_view, 1> responses_names{"\"delta\""};

constexpr std::uint64_t bytes_per_token = 4;

std::span<const std::string_view> names_of(Operation operation) noexcept {
    if (operation == Operation::responses) return responses_names;
    if (operation == Operation::completions) return completions_names;
    return chat_names;
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool is_high_surrogate(std::string_view escape) noexcept {
    const auto low = [&](std::size_t i) { return static_cast<char>(escape[i] | 0x20); };
    return escape.size() >= 6 && low(1) == 'u' && low(2) == 'd' &&
           (escape[3] == '8' || escape[3] == '9' || low(3) == 'a' || low(3) == 'b');
}

/// Where the text may be cut so that the parts count as the whole: both o200k and cl100k begin a new piece at
/// a space behind something visible, and at a letter or digit behind a line feed. 0 when there is no such
/// place. Non-ASCII bytes are left out, some of them are blanks.
std::size_t last_cut(std::string_view text) noexcept {
    for (std::size_t at = text.size(); at-- > 1;) {
        const char before = text[at - 1];
        if (text[at] == ' ' && before > ' ' && before < 0x7f) return at;
        if (before == '\n' && (is_digit(text[at]) || is_letter(text[at]))) return at;
    }
    return 0;
}

/// The end of the last whole character, or of the text when that is not UTF-8.
std::size_t last_character(std::string_view text) noexcept {
    std::size_t at = text.size();
    for (int i = 0; i < 4 && at > 1; ++i) {
        const auto byte = static_cast<unsigned char>(text[--at]);
        if (byte < 0x80) break;
        if (byte >= 0xc0) return at;
    }
    return text.size();
}

} // namespace

StreamText::StreamText(Operation operation, TextCounting* counting) noexcept
    : counting_(counting), names_(names_of(operation)) {
    // Unused pairs repeat the first.
    starts_.fill({names_[0][1], names_[0][2]});
    std::size_t used = 0;
    for (const std::string_view name : names_) {
        const std::array<char, 2> start{name[1], name[2]};
        if (std::find(starts_.begin(), starts_.begin() + used, start) != starts_.begin() + used) continue;
        starts_[used++] = start;
    }
}

void StreamText::feed(std::string_view piece) noexcept {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    while (at != end) {
        if (state_ == State::search) {
            at = search(at, end);
        } else if (state_ == State::text) {
            at = text(at, end);
        } else {
            take(*at++);
        }
        before_ = at[-1];
    }
}

/// Moves to behind the name of the next member that carries text, or as far as there is none.
const char* StreamText::search(const char* at, const char* end) noexcept {
    const char* found = find_member(at, end, starts_);
    // One of the last two bytes may be a quote whose letters come with the next piece.
    if (found == end && end - at > 1 && end[-2] == '"') found = end - 2;
    if (found == end && end[-1] == '"') found = end - 1;
    if (found == end) return end;
    if ((found == at ? before_ : found[-1]) == '\\') return found + 1;
    const std::string_view rest(found, static_cast<std::size_t>(end - found));
    if (rest.size() < name_bytes_max) {
        name_.clear();
        name_.append("\"");
        state_ = State::name;
        return found + 1;
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (!rest.starts_with(names_[i])) continue;
        member_ = static_cast<std::uint8_t>(i);
        state_ = State::colon;
        return found + names_[i].size();
    }
    return found + 1;
}

void StreamText::take(char c) noexcept {
    switch (state_) {
        case State::name: {
            name_.append({&c, 1});
            if (c == '"') return end_name(name_.text());
            const auto goes_on = [&](std::string_view name) { return name.starts_with(name_.text()); };
            if (std::none_of(names_.begin(), names_.end(), goes_on)) state_ = State::search;
            return;
        }
        case State::colon:
            if (c == ':') state_ = State::value;
            if (c == ':' || is_blank(c)) return;
            break;
        case State::value:
            if (is_blank(c)) return;
            if (c == '"') return begin_text();
            break;
        case State::escape: return take_escape(c);
        case State::search:
        case State::text: return;
    }
    state_ = State::search;
}

void StreamText::end_name(std::string_view quoted) noexcept {
    const auto found = std::find(names_.begin(), names_.end(), quoted);
    if (found == names_.end()) {
        // The quote may itself open a name.
        name_.clear();
        name_.append("\"");
        return;
    }
    member_ = static_cast<std::uint8_t>(found - names_.begin());
    state_ = State::colon;
}

void StreamText::begin_text() noexcept {
    state_ = State::text;
    empty_ = true;
    // What a model says and what it calls a tool with are two texts.
    if (member_ != counted_as_) {
        count(size_);
        counted_as_ = member_;
    }
}

/// Takes the inside of a string up to its quote or to a backslash.
const char* StreamText::text(const char* at, const char* end) noexcept {
    const char* stop = at;
    while (stop != end && *stop != '"' && *stop != '\\' && static_cast<unsigned char>(*stop) >= 0x20)
        ++stop;
    append({at, static_cast<std::size_t>(stop - at)});
    if (stop == end) return end;
    if (*stop == '\\') {
        escape_[0] = '\\';
        escape_size_ = 1;
        state_ = State::escape;
    } else {
        // The quote, or a control character, which no JSON string has.
        state_ = State::search;
    }
    return stop + 1;
}

/// Collects one escape, or the two of a surrogate pair, which only together are a character.
void StreamText::take_escape(char c) noexcept {
    const bool second_begins = escape_size_ == 6;
    if (second_begins && c != '\\') {
        end_escape();
        if (c == '"' || static_cast<unsigned char>(c) < 0x20) {
            state_ = State::search;
        } else {
            append({&c, 1});
        }
        return;
    }
    escape_[escape_size_++] = c;
    const std::size_t begin = escape_size_ > 6 ? 6 : 0;
    const std::size_t size = escape_size_ - begin;
    if (size < 2) return;
    const bool unicode = escape_[begin + 1] == 'u';
    if (unicode && size < 6) {
        // A broken escape ends here, so that a quote in it ends the text.
        if (c == '"') {
            end_escape();
            state_ = State::search;
        }
        return;
    }
    if (begin == 0 && is_high_surrogate({escape_.data(), escape_size_})) return;
    end_escape();
}

void StreamText::end_escape() noexcept {
    append(json_decode(std::span(escape_).first(escape_size_)));
    escape_size_ = 0;
    state_ = State::text;
}

void StreamText::append(std::string_view part) noexcept {
    if (part.empty()) return;
    if (std::exchange(empty_, false)) ++deltas_;
    text_bytes_ += part.size();
    if (counting_ == nullptr) return;
    while (!part.empty()) {
        if (size_ == buffer_bytes) make_room();
        const std::size_t bytes = std::min(part.size(), buffer_bytes - size_);
        std::memcpy(buffer_.data() + size_, part.data(), bytes);
        size_ = static_cast<std::uint16_t>(size_ + bytes);
        part.remove_prefix(bytes);
    }
}

void StreamText::make_room() noexcept {
    const std::string_view all(buffer_.data(), size_);
    const std::size_t cut = last_cut(all);
    count(cut != 0 ? cut : last_character(all));
}

void StreamText::count(std::size_t bytes) noexcept {
    if (bytes == 0) return;
    counted_ += counting_->count({buffer_.data(), bytes}).tokens;
    std::memmove(buffer_.data(), buffer_.data() + bytes, size_ - bytes);
    size_ = static_cast<std::uint16_t>(size_ - bytes);
}

Tokens StreamText::tokens() const noexcept {
    std::uint64_t count = std::max(deltas_, text_bytes_ / bytes_per_token);
    if (counting_ != nullptr)
        count = counted_ + (size_ != 0 ? counting_->count({buffer_.data(), size_}).tokens : 0);
    return Tokens(static_cast<std::int64_t>(count));
}

} // namespace headroom::balance
