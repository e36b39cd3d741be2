// The per-thread frame cache of Task.
#include "net/task.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

namespace headroom::net {
namespace {

constexpr std::size_t step_bytes = 64;
constexpr std::size_t cached_bytes_max = 8192;
constexpr std::uint32_t cached_frames_max = 256;

struct FreeFrame {
    FreeFrame* next;
};

struct FrameCache {
    struct Bin {
        FreeFrame* head = nullptr;
        std::uint32_t count = 0;
    };
    std::array<Bin, cached_bytes_max / step_bytes> bins{};

    ~FrameCache() {
        for (Bin& bin : bins) {
            while (bin.head != nullptr) {
                FreeFrame* next = bin.head->next;
                ::operator delete(bin.head);
                bin.head = next;
            }
        }
    }
};

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
// A recycled frame would hide a use after free from the sanitizer.
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif

thread_local FrameCache cache;

std::size_t bin_of(std::size_t bytes) noexcept {
    return (bytes - 1) / step_bytes;
}

} // namespace

void* allocate_frame(std::size_t bytes) {
    if (caching && bytes <= cached_bytes_max) {
        FrameCache::Bin& bin = cache.bins[bin_of(bytes)];
        if (bin.head != nullptr) {
            FreeFrame* frame = bin.head;
            bin.head = frame->next;
            --bin.count;
            return frame;
        }
        return ::operator new((bin_of(bytes) + 1) * step_bytes);
    }
    return ::operator new(bytes);
}

void release_frame(void* frame, std::size_t bytes) noexcept {
    if (caching && bytes <= cached_bytes_max) {
        FrameCache::Bin& bin = cache.bins[bin_of(bytes)];
        if (bin.count < cached_frames_max) {
            auto* free_frame = ::new (frame) FreeFrame{bin.head};
            bin.head = free_frame;
            ++bin.count;
            return;
        }
    }
    ::operator delete(frame);
}

} // namespace headroom::net
