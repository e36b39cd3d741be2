// Buffers: reference-counted blocks of a shard, and Slice, a move-only view that keeps its block alive.
// One pool per loop, one thread. A receive fills a block; parsers, retries and writers hold Slices of it,
// so bytes are never copied between the kernel's copy in and its copy out.
// Promises: every byte of every block in use is counted against `memory_bytes_max`; the last slice of a
// block gives it back for the next receive (last in, first out, so that it is still in cache).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace headroom::net {

class BufferPool;

/// Readable bytes behind the end of every block: SIMD readers may load past the data, never past this.
inline constexpr std::size_t block_padding_bytes = 64;

/// One piece of memory; lives in its pool's accounting until the last Slice is gone.
struct Block {
    BufferPool* pool;
    Block* next_free;
    std::uint32_t references;
    std::uint32_t capacity_bytes;
    std::uint8_t size_class;

    char* data() noexcept { return reinterpret_cast<char*>(this) + header_bytes; }
    static constexpr std::size_t header_bytes = 64;
};

/// A move-only range of bytes inside a Block; empty when default-constructed.
class Slice {
  public:
    Slice() noexcept = default;
    /// Takes over one reference of `block` (the caller's).
    Slice(Block* block, char* data, std::size_t size) noexcept : block_(block), data_(data), size_(size) {}
    Slice(Slice&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Slice& operator=(Slice&& other) noexcept {
        if (this != &other) {
            reset();
            block_ = std::exchange(other.block_, nullptr);
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    Slice(const Slice&) = delete;
    Slice& operator=(const Slice&) = delete;
    ~Slice() { reset(); }

    const char* data() const noexcept { return data_; }
    char* mutable_data() noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::string_view view() const noexcept { return {data_, size_}; }
    Block* block() const noexcept { return block_; }

    /// A second reference to the sub-range; `offset + size` must lie inside this slice.
    Slice share(std::size_t offset, std::size_t size) const noexcept;
    /// Drops the first `count` bytes; `count` must not exceed size().
    void remove_prefix(std::size_t count) noexcept;
    /// Keeps only the first `size` bytes; `size` must not exceed size().
    void truncate(std::size_t size) noexcept;
    /// Bytes of the block behind this slice's end: free to append to when the slice is the block's only
    /// reference.
    std::size_t spare_bytes() const noexcept;
    /// Appends into spare_bytes(); only for a sole owner.
    void append(std::string_view bytes) noexcept;
    bool sole_owner() const noexcept { return block_ != nullptr && block_->references == 1; }
    void reset() noexcept;

  private:
    Block* block_ = nullptr;
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Sizes of blocks: `small` for heads and event chunks, `large` for bodies.
enum class BlockSize : std::uint8_t { small, large };

class BufferPool {
  public:
    static constexpr std::size_t small_bytes = 8 * 1024;
    static constexpr std::size_t large_bytes = 64 * 1024;

    /// `memory_bytes_max` bounds all blocks that are out at one time.
    explicit BufferPool(std::size_t memory_bytes_max) noexcept : memory_bytes_max_(memory_bytes_max) {}
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    /// Every block must have come back.
    ~BufferPool();

    /// A block with one reference owned by the caller; null when the bound is reached.
    Block* acquire(BlockSize size) noexcept;
    /// A slice over an empty block: size() is 0, spare_bytes() the capacity; an empty Slice without block at
    /// the bound.
    Slice acquire_slice(BlockSize size) noexcept;
    /// A block of any capacity (rounded up), not pooled: for heads that span blocks. Null at the bound.
    Block* acquire_exact(std::size_t capacity_bytes) noexcept;

    std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
    std::size_t memory_bytes_max() const noexcept { return memory_bytes_max_; }
    /// Whether `bytes` more would still be inside the bound.
    bool has_room_for(std::size_t bytes) const noexcept { return bytes_in_use_ + bytes <= memory_bytes_max_; }

  private:
    friend class Slice;
    static Block* allocate(BufferPool* pool, std::size_t capacity_bytes, std::uint8_t size_class) noexcept;
    void release(Block* block) noexcept;

    Block* free_[2] = {nullptr, nullptr};
    std::size_t free_bytes_ = 0;
    std::size_t bytes_in_use_ = 0;
    std::size_t memory_bytes_max_;
};

inline void Slice::reset() noexcept {
    if (block_ != nullptr && --block_->references == 0) block_->pool->release(block_);
    block_ = nullptr;
    data_ = nullptr;
    size_ = 0;
}

} // namespace headroom::net
