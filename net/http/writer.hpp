// HeadWriter: request and response heads as bytes; chunk framing and trailers.
// Nothing that would break a line can be written: CR, LF, NUL and other controls make the writer fail, and a
// failed writer gives nothing out. Memory is bounded: a fixed place, or one block that grows to bytes_max.
#pragma once

#include "net/buffer.hpp"
#include "net/http/head.hpp"
#include "net/http/trailers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::net {

/// The standard phrase of a status (RFC 9110 §15), "" for an unknown one.
std::string_view reason_phrase(std::uint16_t status) noexcept;

class HeadWriter {
  public:
    enum class Failure : std::uint8_t { none, no_room, no_memory, bad_bytes };

    /// Into a block of `pool`: at first for `bytes_hint`, growing to at most `bytes_max`.
    HeadWriter(BufferPool& pool, std::size_t bytes_hint, std::size_t bytes_max) noexcept;
    /// Into `memory`, which must outlive what is written.
    explicit HeadWriter(std::span<char> memory) noexcept;
    HeadWriter(HeadWriter&&) = delete;
    HeadWriter& operator=(HeadWriter&&) = delete;
    HeadWriter(const HeadWriter&) = delete;
    HeadWriter& operator=(const HeadWriter&) = delete;
    ~HeadWriter() = default;

    /// "POST /path?query HTTP/1.1"; `query` without "?", left out when empty. Fails on anything but visible
    /// ASCII.
    HeadWriter& request_line(Method method, std::string_view path, std::string_view query) noexcept;
    /// "HTTP/1.1 200 OK"; an empty reason leaves the space that RFC 9112 §4 asks for.
    HeadWriter& status_line(std::uint16_t status, std::string_view reason) noexcept;
    HeadWriter& status_line(std::uint16_t status) noexcept {
        return status_line(status, reason_phrase(status));
    }
    /// One field line; an invalid name or value fails the writer.
    HeadWriter& field(std::string_view name, std::string_view value) noexcept;
    HeadWriter& field(std::string_view name, std::uint64_t value) noexcept;
    /// Every field of `head` that is not hop-by-hop, not nominated by its Connection, not Content-Length, and
    /// that `keep` wants. The framing of the new message is the caller's to write.
    template <typename Keep>
    HeadWriter& copy_end_to_end(const Head& head, Keep keep) noexcept {
        for (const Head::Field& one : head) {
            if (is_end_to_end(one) && keep(one)) checked_field(one.name, one.value);
        }
        return *this;
    }
    HeadWriter& copy_end_to_end(const Head& head) noexcept {
        return copy_end_to_end(head, [](const Head::Field&) { return true; });
    }
    /// The empty line.
    HeadWriter& end() noexcept;
    /// Bytes behind the head, such as a small body that is to go out with it.
    HeadWriter& body(std::string_view bytes) noexcept;

    bool ok() const noexcept { return failure_ == Failure::none; }
    Failure failure() const noexcept { return failure_; }
    /// What was written; empty when the writer failed.
    std::string_view view() const noexcept;
    /// What was written, as a Slice of its block; empty for a fixed place or when the writer failed.
    Slice take() noexcept;

    /// Neither hop-by-hop nor framing: what copy_end_to_end() offers to `keep`.
    static bool is_end_to_end(const Head::Field& field) noexcept;

  private:
    /// For fields that a parser has already checked.
    HeadWriter& checked_field(std::string_view name, std::string_view value) noexcept;
    char* reserve(std::size_t bytes) noexcept;
    bool grow(std::size_t bytes) noexcept;
    HeadWriter& fail(Failure failure) noexcept;

    BufferPool* pool_ = nullptr;
    Slice block_;
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::size_t bytes_max_ = 0;
    Failure failure_ = Failure::none;
};

/// "<hex size>\r\n" before the bytes of one chunk (RFC 9112 §7.1); `follows` puts the CRLF that ends the
/// chunk before it in front.
class ChunkHeader {
  public:
    ChunkHeader(std::size_t chunk_bytes, bool follows) noexcept;
    std::string_view view() const noexcept { return {text_.data() + begin_, text_.size() - begin_}; }
    static constexpr std::size_t bytes_max = 20;

  private:
    std::array<char, bytes_max> text_;
    std::uint8_t begin_;
};

/// The end of a chunked body without trailers, when no chunk is open.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
/// The same behind the bytes of a chunk.
inline constexpr std::string_view last_chunk_after_chunk = "\r\n0\r\n\r\n";

/// "0\r\n", the trailers and the empty line into `writer`; `follows` as in ChunkHeader.
void write_last_chunk(HeadWriter& writer, const Trailers& trailers, bool follows) noexcept;

} // namespace headroom::net
