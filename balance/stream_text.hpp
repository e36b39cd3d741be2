// Counts the text that a stream has brought so far, for streams that end without saying their usage: the
// client left, the backend died, or it never says. One per stream. Finds the members that carry text
// (content, reasoning, refusals and tool arguments of chat deltas, `text` of completions, `delta` of
// Responses events) by their names, as a quote inside a JSON string is always escaped; decodes them into a
// small buffer; counts that whenever it is full, up to a place where every tokenizer begins anew. Promises:
// fixed memory, any split gives the same answer, some ten nanoseconds per event. Not here: hidden reasoning,
// which no stream shows; texts of several choices are counted as one, which misses a few tokens where they
// alternate.
#pragma once

#include "balance/bounded_text.hpp"
#include "balance/operation.hpp"
#include "balance/prompt/text_counting.hpp"
#include "balance/quantities.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

class StreamText {
  public:
    /// Some five hundred tokens; every open stream has one.
    static constexpr std::size_t buffer_bytes = 2048;

    /// Borrows `counting`; without it the text is estimated: a token per four bytes, and at least one per
    /// delta.
    StreamText(Operation operation, TextCounting* counting) noexcept;

    /// Takes the next piece of the body.
    void feed(std::string_view piece) noexcept;
    /// Output tokens of the text so far; may be asked at any time, and costs a count of what is buffered.
    [[nodiscard]] Tokens tokens() const noexcept;
    /// Decoded bytes of text so far.
    [[nodiscard]] std::uint64_t text_bytes() const noexcept { return text_bytes_; }

  private:
    static constexpr std::size_t escape_bytes_max = 12; ///< Of a surrogate pair.
    static constexpr std::size_t name_bytes_max = 24;

    enum class State : std::uint8_t { search, name, colon, value, text, escape };

    const char* search(const char* at, const char* end) noexcept;
    const char* text(const char* at, const char* end) noexcept;
    void take(char c) noexcept;
    void take_escape(char c) noexcept;
    void end_escape() noexcept;
    void begin_text() noexcept;
    void end_name(std::string_view quoted) noexcept;
    void append(std::string_view part) noexcept;
    void make_room() noexcept;
    void count(std::size_t bytes) noexcept;

    TextCounting* counting_;
    std::span<const std::string_view> names_;     ///< Quoted names of the members that carry text.
    std::array<std::array<char, 2>, 4> starts_{}; ///< What can follow the quote that opens one.
    State state_ = State::search;
    char before_ = '\0';          ///< The byte before the one that comes next.
    std::uint8_t member_ = 0;     ///< Index of the name that is being read.
    std::uint8_t counted_as_ = 0; ///< Index of the name that the buffer's text came under.
    std::uint8_t escape_size_ = 0;
    bool empty_ = true; ///< The current text has no byte yet.
    std::uint16_t size_ = 0;
    std::uint64_t counted_ = 0;
    std::uint64_t deltas_ = 0;
    std::uint64_t text_bytes_ = 0;
    BoundedText<name_bytes_max> name_;
    std::array<char, escape_bytes_max> escape_{};
    std::array<char, buffer_bytes> buffer_; // Only the first size_ bytes mean anything.
};

} // namespace headroom::balance
