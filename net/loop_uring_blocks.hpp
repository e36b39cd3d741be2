// BlockRing: blocks of the pool that are offered to the kernel to receive into (IORING_REGISTER_PBUF_RING).
// A completion takes its block out for good and another one takes its place: received bytes can be held for
// as long as somebody needs them, and an idle connection holds nothing. Private to loop_uring*.cpp.
#pragma once

#include "net/buffer.hpp"

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::net {

class BlockRing {
  public:
    /// `blocks` is a power of two; fewer are offered when the pool is small. Throws std::system_error.
    BlockRing(io_uring* ring, BufferPool& pool, BlockSize size, std::uint16_t group, unsigned blocks);
    BlockRing(const BlockRing&) = delete;
    BlockRing& operator=(const BlockRing&) = delete;
    /// The ring must be gone: nothing may write into the blocks any more.
    ~BlockRing();

    std::uint16_t group() const noexcept { return group_; }
    /// Blocks that the kernel has, as far as completions have told.
    unsigned offered() const noexcept { return offered_; }
    /// The received `bytes` of the block that completion flags name, which another one replaces.
    Slice take(std::uint32_t completion_flags, std::size_t bytes) noexcept;
    /// Fills the places that found no block in the pool; true when there is something for the kernel.
    bool refill() noexcept;
    /// Shows the kernel what was put in since the last call.
    void publish() noexcept;

  private:
    bool put(std::uint16_t place) noexcept;

    struct Free {
        void operator()(io_uring_buf_ring* memory) const noexcept;
    };

    BufferPool& pool_;
    BlockSize size_;
    std::uint16_t group_;
    std::unique_ptr<io_uring_buf_ring, Free> entries_;
    std::vector<Block*> blocks_;
    std::vector<std::uint16_t> empty_places_;
    unsigned offered_ = 0;
    int unpublished_ = 0;
};

} // namespace headroom::net
