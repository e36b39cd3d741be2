// The pool behind Slice: two free lists, one counter.
#include "net/buffer.hpp"

#include "net/assert.hpp"

#include <cstdlib>
#include <cstring>
#include <sanitizer/asan_interface.h>

namespace headroom::net {
namespace {

constexpr std::uint8_t unpooled = 2;
/// Free blocks kept for reuse; more are given back to the allocator.
constexpr std::size_t free_bytes_max = 8 * 1024 * 1024;

} // namespace

Slice Slice::share(std::size_t offset, std::size_t size) const noexcept {
    HEADROOM_ASSERT(offset <= size_ && size <= size_ - offset);
    if (block_ == nullptr) return {};
    ++block_->references;
    return Slice(block_, data_ + offset, size);
}

void Slice::remove_prefix(std::size_t count) noexcept {
    HEADROOM_ASSERT(count <= size_);
    data_ += count;
    size_ -= count;
}

void Slice::truncate(std::size_t size) noexcept {
    HEADROOM_ASSERT(size <= size_);
    size_ = size;
}

std::size_t Slice::spare_bytes() const noexcept {
    if (block_ == nullptr) return 0;
    return static_cast<std::size_t>((block_->data() + block_->capacity_bytes) - (data_ + size_));
}

void Slice::append(std::string_view bytes) noexcept {
    HEADROOM_ASSERT(sole_owner() && bytes.size() <= spare_bytes());
    if (bytes.empty()) return;
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
}

Block* BufferPool::allocate(BufferPool* pool, std::size_t capacity_bytes, std::uint8_t size_class) noexcept {
    void* memory =
        std::aligned_alloc(64, (Block::header_bytes + capacity_bytes + block_padding_bytes + 63) / 64 * 64);
    if (memory == nullptr) return nullptr;
    auto* block =
        ::new (memory) Block{pool, nullptr, 1, static_cast<std::uint32_t>(capacity_bytes), size_class};
    std::memset(block->data() + capacity_bytes, 0, block_padding_bytes);
    return block;
}

Block* BufferPool::acquire(BlockSize size) noexcept {
    const auto size_class = static_cast<std::uint8_t>(size);
    const std::size_t capacity = size == BlockSize::small ? small_bytes : large_bytes;
    if (!has_room_for(capacity)) return nullptr;
    Block* block = free_[size_class];
    if (block != nullptr) {
        free_[size_class] = block->next_free;
        free_bytes_ -= capacity;
        ASAN_UNPOISON_MEMORY_REGION(block->data(), capacity);
        block->next_free = nullptr;
        block->references = 1;
    } else {
        block = allocate(this, capacity, size_class);
        if (block == nullptr) return nullptr;
    }
    bytes_in_use_ += capacity;
    return block;
}

Slice BufferPool::acquire_slice(BlockSize size) noexcept {
    Block* block = acquire(size);
    if (block == nullptr) return {};
    return Slice(block, block->data(), 0);
}

Block* BufferPool::acquire_exact(std::size_t capacity_bytes) noexcept {
    if (!has_room_for(capacity_bytes)) return nullptr;
    Block* block = allocate(this, capacity_bytes, unpooled);
    if (block != nullptr) bytes_in_use_ += capacity_bytes;
    return block;
}

void BufferPool::release(Block* block) noexcept {
    bytes_in_use_ -= block->capacity_bytes;
    if (block->size_class == unpooled || free_bytes_ + block->capacity_bytes > free_bytes_max) {
        std::free(block);
        return;
    }
    ASAN_POISON_MEMORY_REGION(block->data(), block->capacity_bytes);
    block->next_free = free_[block->size_class];
    free_[block->size_class] = block;
    free_bytes_ += block->capacity_bytes;
}

BufferPool::~BufferPool() {
    HEADROOM_ASSERT(bytes_in_use_ == 0);
    for (Block* list : free_) {
        while (list != nullptr) {
            Block* next = list->next_free;
            ASAN_UNPOISON_MEMORY_REGION(list->data(), list->capacity_bytes);
            std::free(list);
            list = next;
        }
    }
}

} // namespace headroom::net
