// RequestBody: a request's body held in its receive buffers, so that it can be sent again without a copy.
// Pieces that would waste their block (a client that sends byte by byte) are moved together. Edits (another
// model name) are laid over the bytes when a body is sent; the held bytes never change.
#pragma once

#include "balance/request_facts.hpp"
#include "net/buffer.hpp"

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// Replaces the bytes of `range` by `text`; an empty range inserts.
struct BodyEdit {
    balance::ByteRange range;
    std::string_view text;
};

class RequestBody {
  public:
    explicit RequestBody(net::BufferPool& pool) noexcept : pool_(&pool) {}

    /// Keeps `piece`; false when a memory bound stands against it (nothing is kept then).
    [[nodiscard]] bool append(net::Slice piece);
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Memory that the held pieces keep from other use, in bytes; more than size() by the blocks' unused
    /// parts.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_bytes_; }
    [[nodiscard]] std::span<const net::Slice> pieces() const noexcept { return pieces_; }
    void clear() noexcept;

    /// The size of the body with `edits` (ascending, not overlapping) laid over it.
    [[nodiscard]] std::uint64_t size_with(std::span<const BodyEdit> edits) const noexcept;
    /// Appends what to send: the body with `edits` laid over it. Views into this body and the edits.
    void append_to(std::vector<iovec>& out, std::span<const BodyEdit> edits) const;

  private:
    [[nodiscard]] bool append_by_copy(std::string_view bytes);
    void append_range(std::vector<iovec>& out, std::uint64_t begin, std::uint64_t end) const;

    net::BufferPool* pool_;
    std::vector<net::Slice> pieces_;
    std::uint64_t size_ = 0;
    std::uint64_t held_bytes_ = 0;
};

} // namespace headroom::core
