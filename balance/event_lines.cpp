// One step takes a byte of structure or as much of a value as there is.
#include "balance/event_lines.hpp"

#include "balance/byte_search.hpp"

namespace headroom::balance {
namespace {

constexpr bool ends_line(char c) noexcept {
    return c == '\n' || c == '\r';
}

} // namespace

EventLines::Step EventLines::next(std::string_view rest) noexcept {
    const char c = rest.front();
    if (after_cr_) {
        after_cr_ = false;
        if (c == '\n') return {Part::second_half, 1};
    }
    if (ends_line(c)) return line_end(c);
    if (line_ == Line::start) line_ = c == ':' ? Line::comment : Line::name;
    if (line_ == Line::name) return name(rest);
    if (line_ == Line::value_start) {
        line_ = value_;
        if (c == ' ') return {Part::field, 1};
    }
    const char* const begin = rest.data();
    const auto size = static_cast<std::size_t>(find_line_end(begin, begin + rest.size()) - begin);
    switch (line_) {
        case Line::comment: return {Part::comment, size};
        case Line::data: return {Part::data, size};
        case Line::event: return {Part::event, size};
        default: return {Part::field, size};
    }
}

EventLines::Step EventLines::line_end(char c) noexcept {
    const bool empty = line_ == Line::start;
    after_cr_ = c == '\r';
    line_ = Line::start;
    name_.clear();
    return {empty ? Part::end : Part::field, 1};
}

EventLines::Step EventLines::name(std::string_view rest) noexcept {
    if (rest.front() != ':') {
        std::size_t size = 1;
        while (size < rest.size() && rest[size] != ':' && !ends_line(rest[size]))
            ++size;
        name_.append(rest.substr(0, size));
        return {Part::field, size};
    }
    const bool is_data = name_.text() == "data";
    const bool is_event = name_.text() == "event";
    value_ = is_data ? Line::data : is_event ? Line::event : Line::other;
    line_ = Line::value_start;
    return {is_data ? Part::begin_data : is_event ? Part::begin_event : Part::field, 1};
}

} // namespace headroom::balance
