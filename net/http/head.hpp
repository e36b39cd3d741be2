// Head: a parsed request or response head, as views into the bytes that were received.
// Fields keep their order and spelling. Everything is an offset from the first byte of the head, so a head
// whose bytes are moved is re-based by one pointer (rebase). The field table exists only while a message is
// in work. Filled by the parsers (net/http/parser.hpp), which have already refused what is not HTTP.
// Not here: the meaning of a body (read_body of the parsers).
#pragma once

#include "net/http/field_table.hpp"
#include "net/http/method.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace headroom::net {

/// How the end of the body is known (RFC 9112 §6.3).
enum class BodyFraming : std::uint8_t {
    none,        ///< no body: nothing follows the head
    length,      ///< exactly content_length() bytes (which may be 0)
    chunked,     ///< until the last chunk and its trailers
    until_close, ///< response only: until the backend ends the connection in order
    tunnel,      ///< 101: the bytes are no longer HTTP
};

enum class HttpVersion : std::uint8_t { http10, http11 };

class Head {
  public:
    struct Field {
        std::string_view name;
        std::string_view value; ///< without surrounding whitespace
        FieldId id;
        /// Ends here: connection-specific by name, or named by a Connection field (RFC 9110 §7.6.1).
        bool hop_by_hop;
    };

    Head() noexcept = default;
    Head(Head&&) noexcept = default;
    Head& operator=(Head&&) noexcept = default;
    Head(const Head&) = delete;
    Head& operator=(const Head&) = delete;
    ~Head() = default;

    // Request line.

    Method method() const noexcept { return method_; }
    std::string_view method_text() const noexcept { return name_of(method_); }
    /// As received: origin-form, absolute-form, or "*" (OPTIONS only).
    std::string_view target() const noexcept { return at(target_); }
    /// The path of the target, never empty: "/" where an absolute-form has none, "*" for the asterisk-form.
    std::string_view path() const noexcept;
    /// Behind the "?", without it; empty when there is none (has_query() tells the difference).
    std::string_view query() const noexcept { return at(query_); }
    bool has_query() const noexcept { return has_query_; }
    /// Host and port the request is for: of an absolute-form target, else of Host (RFC 9112 §3.3); empty only
    /// for HTTP/1.0 without Host.
    std::string_view authority() const noexcept { return at(authority_); }

    // Status line.

    std::uint16_t status() const noexcept { return status_; }
    /// May be empty.
    std::string_view reason() const noexcept { return at(reason_); }
    /// A 1xx response other than 101: the final one is still to come.
    bool interim() const noexcept { return status_ >= 100 && status_ < 200 && status_ != 101; }

    // Both.

    HttpVersion version() const noexcept { return version_; }
    BodyFraming framing() const noexcept { return framing_; }
    /// Content-Length as stated, also where framing() is none (HEAD, 304); absent in a 204 and in 1xx, which
    /// must not have it (RFC 9110 §8.6).
    std::optional<std::uint64_t> content_length() const noexcept {
        return has_content_length_ ? std::optional(content_length_) : std::nullopt;
    }
    /// Whether the connection may carry another message after this one (RFC 9112 §9.3). False for until_close
    /// and tunnel.
    bool keep_alive() const noexcept { return keep_alive_; }
    /// Request: Expect: 100-continue on HTTP/1.1 with a body to come (RFC 9110 §10.1.1).
    bool expects_continue() const noexcept { return expects_continue_; }
    /// Request: "websocket", as spelt by the client, when it asks for that switch in order: HTTP/1.1, GET, no
    /// body, one Upgrade field, and Connection lists it. Other protocols, h2c first of all, are ignored as
    /// RFC 9110 §7.8 allows. Response: the value of Upgrade in an accepted 101. Empty otherwise.
    std::string_view upgrade() const noexcept { return at(upgrade_); }
    /// Whether a Connection field lists `name` (RFC 9110 §7.6.1); for the fields of this head, see
    /// Field::hop_by_hop.
    bool nominated(std::string_view name) const noexcept;

    // Fields.

    std::size_t field_count() const noexcept { return fields_.size(); }
    Field field(std::size_t index) const noexcept;
    bool has(FieldId id) const noexcept { return (present_ & bit(id)) != 0; }
    /// Value of the first field with that id; empty when there is none. Not for FieldId::other.
    std::string_view find(FieldId id) const noexcept;
    /// Value of the first field of that name, in any case; null data when there is none.
    std::string_view find(std::string_view name) const noexcept;
    std::size_t count(FieldId id) const noexcept;

    class Iterator {
      public:
        using value_type = Field;
        using difference_type = std::ptrdiff_t;
        Iterator() noexcept = default;
        Iterator(const Head* head, std::size_t index) noexcept : head_(head), index_(index) {}
        Field operator*() const noexcept { return head_->field(index_); }
        Iterator& operator++() noexcept {
            ++index_;
            return *this;
        }
        Iterator operator++(int) noexcept {
            Iterator before = *this;
            ++index_;
            return before;
        }
        bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

      private:
        const Head* head_ = nullptr;
        std::size_t index_ = 0;
    };
    Iterator begin() const noexcept { return {this, 0}; }
    Iterator end() const noexcept { return {this, fields_.size()}; }

    // Bytes.

    /// All of the head, from the start line to the empty line.
    std::string_view bytes() const noexcept { return at(bytes_); }
    /// The bytes are now at `first`: the same bytes, elsewhere.
    void rebase(const char* first) noexcept { base_ = first; }
    /// Forgets everything and frees the field table.
    void clear() noexcept { *this = Head(); }

  private:
    friend class Framing;
    friend class MessageParser;
    friend class StartLine;

    struct Range {
        std::uint32_t offset = 0;
        std::uint32_t size = 0;
    };

    static_assert(static_cast<unsigned>(FieldId::count_) <= 64, "present_ has one bit for each field");
    static constexpr std::uint64_t bit(FieldId id) noexcept {
        return std::uint64_t{1} << static_cast<unsigned>(id);
    }
    static Range range(std::size_t begin, std::size_t end) noexcept {
        return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
    }
    Range value_range(FieldId id) const noexcept;
    std::string_view at(Range range) const noexcept {
        return base_ == nullptr ? std::string_view{} : std::string_view{base_ + range.offset, range.size};
    }

    const char* base_ = nullptr;
    FieldTable fields_;
    std::uint64_t present_ = 0;
    std::uint64_t content_length_ = 0;
    Range bytes_;
    Range target_;
    Range path_;
    Range query_;
    Range authority_;
    Range reason_;
    Range upgrade_;
    std::uint16_t status_ = 0;
    Method method_ = Method::get;
    HttpVersion version_ = HttpVersion::http11;
    BodyFraming framing_ = BodyFraming::none;
    bool has_query_ = false;
    bool has_content_length_ = false;
    bool keep_alive_ = false;
    bool expects_continue_ = false;
};

} // namespace headroom::net
