// assert_alive: under AddressSanitizer, proof that memory handed to the kernel is allocated.
// The sanitizer does not see the kernel read and write through io_uring, so it is asked at submit and
// completion.
#pragma once

#include "net/assert.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <span>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define HEADROOM_SEES_POISON 1
#endif
#endif

namespace headroom::net {

#ifdef HEADROOM_SEES_POISON
inline void assert_alive(const void* memory, std::size_t bytes) noexcept {
    HEADROOM_ASSERT(__asan_region_is_poisoned(const_cast<void*>(memory), bytes) == nullptr);
}
#else
inline void assert_alive(const void* /*memory*/, std::size_t /*bytes*/) noexcept {}
#endif

inline void assert_alive(std::span<const iovec> pieces) noexcept {
#ifdef HEADROOM_SEES_POISON
    assert_alive(pieces.data(), pieces.size_bytes());
    for (const iovec& piece : pieces)
        assert_alive(piece.iov_base, piece.iov_len);
#else
    static_cast<void>(pieces);
#endif
}

} // namespace headroom::net
