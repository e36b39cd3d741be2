// Strings without escapes, which are most, are views into the body; simdjson would copy all of them, and
// byte by byte where it is compiled for the baseline CPU.
#include "balance/prompt/json_reading.hpp"

#include "balance/json_decode.hpp"
#include "balance/string_skip.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

std::string_view without_blanks_behind(std::string_view text) noexcept {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

} // namespace

JsonReading::Kind JsonReading::kind(Value& value) noexcept {
    simdjson::ondemand::json_type type{};
    if (!good(value.type().get(type))) return Kind::other;
    switch (type) {
        case simdjson::ondemand::json_type::object: return Kind::object;
        case simdjson::ondemand::json_type::array: return Kind::array;
        case simdjson::ondemand::json_type::string: return Kind::string;
        case simdjson::ondemand::json_type::number: return Kind::number;
        default: return Kind::other;
    }
}

std::string_view JsonReading::raw_string(Value& value) noexcept {
    if (kind(value) != Kind::string) return {};
    const std::string_view token = without_blanks_behind(value.raw_json_token());
    if (token.size() < 2 || token.back() != '"') {
        failed_ = true;
        return {};
    }
    return token.substr(1, token.size() - 2);
}

std::string_view JsonReading::text(Value& value) noexcept {
    return decoded(raw_string(value));
}

std::string_view JsonReading::raw_json(Value& value) noexcept {
    std::string_view raw;
    simdjson::ondemand::object object;
    simdjson::ondemand::array array;
    switch (kind(value)) {
        case Kind::object:
            if (!good(value.get_object().get(object)) || !good(object.raw_json().get(raw))) return {};
            break;
        case Kind::array:
            if (!good(value.get_array().get(array)) || !good(array.raw_json().get(raw))) return {};
            break;
        default: raw = value.raw_json_token(); break;
    }
    return without_blanks_behind(raw);
}

std::string_view JsonReading::open_array(Value& value, simdjson::ondemand::array& array) noexcept {
    std::string_view raw;
    bool some = false;
    if (kind(value) != Kind::array || !good(value.get_array().get(array)) ||
        !good(array.raw_json().get(raw)) || !good(array.reset().get(some))) {
        return {};
    }
    return without_blanks_behind(raw);
}

std::string_view JsonReading::name_of(const char* raw) noexcept {
    const char* end = find_close_quote(raw, body_end_);
    if (end != nullptr) return {raw, end};
    StringTally tally;
    end = skip_string(raw, body_end_, tally);
    return tally.escapes == 0 ? std::string_view(raw, end) : decoded({raw, end});
}

std::string_view JsonReading::decoded(std::string_view raw) noexcept {
    if (raw.find('\\') == raw.npos || raw.size() > scratch_.size()) return raw;
    std::copy(raw.begin(), raw.end(), scratch_.begin());
    const std::string_view made = json_decode(scratch_.first(raw.size()));
    scratch_ = scratch_.subspan(made.size());
    return made;
}

} // namespace headroom::balance
