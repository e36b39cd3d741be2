// An incremental JSON reader that tells one listener about a few tagged members and skips everything else at
// memory speed. Promises: restartable at any byte; fixed memory; no recursion, no allocation; strings nobody
// asked for are skipped with SIMD. Checks structure, literals, numbers and control characters; does not check
// UTF-8 or the digits of \u escapes.
#pragma once

#include "balance/string_skip.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// What kind of JSON value something is.
enum class JsonKind : std::uint8_t { object, array, string, number, true_value, false_value, null };

/// A scalar member that the listener asked for.
struct JsonScalar {
    JsonKind kind = JsonKind::null;
    std::string_view text; ///< Decoded string or the number's text; empty for literals and for too long ones.
    bool too_long = false; ///< The text exceeded JsonScan::capture_bytes_max.
    std::uint64_t begin = 0;      ///< Offset of its first byte in the document (the quote of a string).
    std::uint64_t end = 0;        ///< Offset behind its last byte.
    std::uint64_t text_bytes = 0; ///< For strings: what it added to JsonScan::text_bytes.
};

/// Hears about tagged members. A tag is any number but 0, chosen by the listener; `root_tag` is the document
/// itself.
class JsonSink {
  public:
    static constexpr unsigned root_tag = 1;

    /// A member of the object tagged `parent`; returns the member's tag, 0 = do not tell me about it. `name`
    /// is decoded, and empty when it is longer than JsonScan::key_bytes_max.
    virtual unsigned on_key(unsigned parent, std::string_view name) noexcept = 0;
    /// A scalar with tag `tag`: a member, or an element of an array.
    virtual void on_scalar(unsigned tag, const JsonScalar& scalar) noexcept = 0;
    /// An object or array with tag `tag` begins. Returns the tag of what is inside: the parent of an object's
    /// members, the tag of every element of an array; 0 = do not tell me about it, nor about its end.
    virtual unsigned on_open(unsigned tag, JsonKind kind, std::uint64_t begin) noexcept = 0;
    /// It ends; `inside` is what on_open returned, `end` the offset behind its bracket.
    virtual void on_close(unsigned inside, JsonKind kind, std::uint64_t end) noexcept = 0;

    virtual ~JsonSink() = default;
};

/// The reader; the same sink must be given to every call for one document.
class JsonScan {
  public:
    static constexpr std::size_t depth_max = 256;          ///< Deeper documents are invalid.
    static constexpr std::size_t tagged_depth_max = 8;     ///< Below this depth nothing is told.
    static constexpr std::size_t key_bytes_max = 64;       ///< Longer names are told as empty.
    static constexpr std::size_t capture_bytes_max = 1024; ///< Of the raw text of a tagged scalar.
    static constexpr std::size_t base64_bytes_min =
        4096; ///< From here on a string without any blank may be media.

    // Not defaulted: value initialisation must not clear text_.
    JsonScan() noexcept {}

    /// Takes the next piece.
    void feed(std::string_view piece, JsonSink& sink) noexcept { run(piece, sink, false); }
    /// Takes the next piece up to the end of the document (an object or array) or to where it breaks; returns
    /// how much that was.
    std::size_t feed_value(std::string_view piece, JsonSink& sink) noexcept { return run(piece, sink, true); }
    /// Ends the document; true when it was exactly one JSON value. A document that is a number is told only
    /// now.
    bool finish(JsonSink& sink) noexcept;
    /// True as soon as the document cannot become valid; nothing is told from then on, its bytes count as
    /// text.
    [[nodiscard]] bool broken() const noexcept { return expect_ == Expect::nothing; }
    /// True once one whole value was read (only white space may follow).
    [[nodiscard]] bool complete() const noexcept { return expect_ == Expect::end; }

    /// Bytes seen so far.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    /// Bytes of all strings but the names of the root's members, escapes counted as about what they decode
    /// to, media left out.
    [[nodiscard]] std::uint64_t text_bytes() const noexcept { return text_bytes_; }
    /// Bytes and number of strings that are data: URIs or long base64.
    [[nodiscard]] std::uint64_t media_bytes() const noexcept { return media_bytes_; }
    [[nodiscard]] std::uint32_t media_count() const noexcept { return media_count_; }
    /// Numbers below the root's own members.
    [[nodiscard]] std::uint64_t numbers() const noexcept { return numbers_; }

  private:
    enum class Expect : std::uint8_t {
        value,
        value_or_end,
        key,
        key_or_end,
        colon,
        comma_or_end,
        end,
        nothing
    };
    enum class Token : std::uint8_t { none, string, number, literal };

    std::size_t run(std::string_view piece, JsonSink& sink, bool one_value) noexcept;
    const char* byte_order_mark(const char* at, const char* end) noexcept;
    const char* structural(const char* at, const char* end, JsonSink& sink) noexcept;
    const char* token(const char* at, const char* end, JsonSink& sink) noexcept;
    void begin_value(const char* at, JsonSink& sink) noexcept;
    const char* begin_string(const char* at, const char* end, bool is_key, JsonSink& sink) noexcept;
    const char* skip_separator(const char* at, const char* end) noexcept;
    void next_member() noexcept;
    void end_key(unsigned tag) noexcept;
    void end_value() noexcept;
    void break_off() noexcept;
    const char* string(const char* at, const char* end, JsonSink& sink) noexcept;
    void end_string(std::string_view raw, std::uint64_t end, JsonSink& sink) noexcept;
    const char* number(const char* at, const char* end, JsonSink& sink) noexcept;
    void end_number(std::uint64_t end, JsonSink& sink) noexcept;
    const char* literal(const char* at, const char* end, JsonSink& sink) noexcept;
    void open(JsonKind kind, const char* at, JsonSink& sink) noexcept;
    void close(JsonKind kind, const char* at, JsonSink& sink) noexcept;
    void capture(std::string_view raw) noexcept;
    [[nodiscard]] bool in_object() const noexcept;
    [[nodiscard]] unsigned container_tag() const noexcept;
    [[nodiscard]] std::uint64_t offset_of(const char* at) const noexcept;
    [[nodiscard]] bool is_media(std::string_view raw) const noexcept;

    Expect expect_ = Expect::value;
    Token token_ = Token::none;
    bool is_key_ = false;
    bool split_ = false; ///< The string began in an earlier piece.
    std::uint8_t progress_ = 0;
    std::uint8_t mark_bytes_ = 0;
    std::uint16_t captured_ = 0;
    std::uint16_t depth_ = 0;
    std::uint32_t media_count_ = 0;
    unsigned tag_ = JsonSink::root_tag;
    std::string_view word_;       ///< The literal that is being read.
    const char* piece_ = nullptr; ///< Start of the current piece, whose offset is offset_.
    std::uint64_t offset_ = 0;
    std::uint64_t token_begin_ = 0;
    std::uint64_t raw_bytes_ = 0;
    StringTally tally_;
    std::uint64_t text_bytes_ = 0;
    std::uint64_t media_bytes_ = 0;
    std::uint64_t numbers_ = 0;
    std::array<std::uint64_t, depth_max / 64> is_object_{};
    std::array<unsigned, tagged_depth_max> tags_{};
    std::array<char, capture_bytes_max> text_; ///< Only the first captured_ bytes mean anything.
};

} // namespace headroom::balance
