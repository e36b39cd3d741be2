// Registering a buffer ring, and moving blocks through it.
#include "net/loop_uring_blocks.hpp"

#include "net/alive.hpp"
#include "net/assert.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace headroom::net {
namespace {

constexpr std::size_t page_bytes = 4096;
/// The blocks that wait in one ring may take this part of the memory bound.
constexpr std::size_t share_of_memory = 4;

std::size_t capacity_of(BlockSize size) noexcept {
    return size == BlockSize::small ? BufferPool::small_bytes : BufferPool::large_bytes;
}

} // namespace

void BlockRing::Free::operator()(io_uring_buf_ring* memory) const noexcept {
    std::free(memory);
}

BlockRing::BlockRing(io_uring* ring, BufferPool& pool, BlockSize size, std::uint16_t group, unsigned blocks)
    : pool_(pool), size_(size), group_(group), blocks_(blocks, nullptr) {
    const std::size_t bytes = (blocks * sizeof(io_uring_buf) + page_bytes - 1) / page_bytes * page_bytes;
    void* memory = std::aligned_alloc(page_bytes, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 0, bytes);
    entries_.reset(static_cast<io_uring_buf_ring*>(memory));
    io_uring_buf_ring_init(entries_.get());
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = blocks;
    registration.bgid = group;
    const int result = io_uring_register_buf_ring(ring, &registration, 0);
    if (result != 0) {
        throw std::system_error(-result, std::generic_category(),
                                "cannot register an io_uring buffer ring (use --io epoll)");
    }
    const std::size_t affordable =
        std::max<std::size_t>(1, pool.memory_bytes_max() / share_of_memory / capacity_of(size));
    for (unsigned place = 0; place < blocks && place < affordable; ++place) {
        if (!put(static_cast<std::uint16_t>(place))) break;
    }
    publish();
}

BlockRing::~BlockRing() {
    for (Block* block : blocks_) {
        if (block != nullptr) Slice(block, block->data(), 0).reset();
    }
}

bool BlockRing::put(std::uint16_t place) noexcept {
    Block* block = pool_.acquire(size_);
    if (block == nullptr) return false;
    assert_alive(block->data(), block->capacity_bytes);
    blocks_[place] = block;
    io_uring_buf_ring_add(entries_.get(), block->data(), block->capacity_bytes, place,
                          io_uring_buf_ring_mask(static_cast<std::uint32_t>(blocks_.size())), unpublished_);
    ++unpublished_;
    ++offered_;
    return true;
}

Slice BlockRing::take(std::uint32_t completion_flags, std::size_t bytes) noexcept {
    const auto place = static_cast<std::uint16_t>(completion_flags >> IORING_CQE_BUFFER_SHIFT);
    HEADROOM_ASSERT(place < blocks_.size() && blocks_[place] != nullptr);
    Block* block = std::exchange(blocks_[place], nullptr);
    HEADROOM_ASSERT(bytes <= block->capacity_bytes);
    assert_alive(block->data(), block->capacity_bytes);
    --offered_;
    if (!put(place)) empty_places_.push_back(place);
    return {block, block->data(), bytes};
}

bool BlockRing::refill() noexcept {
    while (!empty_places_.empty() && put(empty_places_.back()))
        empty_places_.pop_back();
    return offered_ != 0;
}

void BlockRing::publish() noexcept {
    if (unpublished_ != 0) io_uring_buf_ring_advance(entries_.get(), std::exchange(unpublished_, 0));
}

} // namespace headroom::net
