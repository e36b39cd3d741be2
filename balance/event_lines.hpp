// Tells the parts of a Server-Sent Events stream apart while it passes in pieces: the values of data and
// event lines, comments, and where an event ends (WHATWG HTML section 9.2). Promises: a few bytes of state,
// no copy, any split gives the same parts, LF, CR LF and CR end a line. Not here: what the data mean.
#pragma once

#include "balance/bounded_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

class EventLines {
  public:
    enum class Part : std::uint8_t {
        field,       ///< A part of a field's name, or of a field nobody asks about, or a line's end.
        comment,     ///< A part of a line that begins with a colon, without its end.
        begin_data,  ///< The colon of a data line; further data lines of an event are joined by line feeds.
        data,        ///< A part of its value.
        begin_event, ///< The colon of an event line, whose value replaces an earlier one's.
        event,       ///< A part of its value.
        end,         ///< The empty line that ends an event, or its CR.
        second_half, ///< The LF of a CR LF whose CR was told already.
    };
    struct Step {
        Part part;
        std::size_t size; ///< Bytes of `rest` that it is; never 0.
    };

    /// The part at the beginning of `rest`, which must not be empty.
    Step next(std::string_view rest) noexcept;
    /// True inside a line, before its end.
    [[nodiscard]] bool in_line() const noexcept { return line_ != Line::start; }
    /// True between two lines, when the next byte cannot be the LF of an earlier CR.
    [[nodiscard]] bool at_line_start() const noexcept { return !in_line() && !after_cr_; }

  private:
    enum class Line : std::uint8_t { start, name, value_start, comment, data, event, other };

    Step line_end(char c) noexcept;
    Step name(std::string_view rest) noexcept;

    Line line_ = Line::start;
    Line value_ = Line::other; ///< What the line's value is, once its name is read.
    bool after_cr_ = false;
    BoundedText<8> name_;
};

} // namespace headroom::balance
