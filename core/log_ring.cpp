// The byte ring behind LogRing.
#include "core/log_ring.hpp"

#include "net/assert.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace headroom::core {

LogRing::LogRing(std::size_t capacity_bytes)
    : mask_(capacity_bytes - 1), bytes_(std::make_unique<char[]>(capacity_bytes)) {
    HEADROOM_ASSERT(std::has_single_bit(capacity_bytes));
}

bool LogRing::push(std::string_view lines) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    // acquire: the consumer has finished reading the bytes that we are about to overwrite
    const std::size_t tail = tail_.load(std::memory_order_acquire);
    const std::size_t capacity = mask_ + 1;
    if (lines.size() > capacity - (head - tail)) return false;
    const std::size_t at = head & mask_;
    const std::size_t first = std::min(lines.size(), capacity - at);
    std::memcpy(bytes_.get() + at, lines.data(), first);
    std::memcpy(bytes_.get(), lines.data() + first, lines.size() - first);
    // release: the bytes are written before the consumer sees the new head
    head_.store(head + lines.size(), std::memory_order_release);
    return true;
}

std::size_t LogRing::drain(std::string& out) {
    // acquire: pairs with the producer's release, so the bytes up to head are visible
    const std::size_t head = head_.load(std::memory_order_acquire);
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t size = head - tail;
    const std::size_t at = tail & mask_;
    const std::size_t first = std::min(size, mask_ + 1 - at);
    out.append(bytes_.get() + at, first);
    out.append(bytes_.get(), size - first);
    // release: the bytes were read before the producer may overwrite them
    tail_.store(head, std::memory_order_release);
    return size;
}

bool LogRing::empty() const noexcept {
    // acquire: whoever sees it empty has seen everything that was pushed before
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_relaxed);
}

} // namespace headroom::core
