// A short text inside its owner, for names and codes that arrive in pieces.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Keeps the first `BytesMax` bytes of what is appended and drops the rest.
template <std::size_t BytesMax>
class BoundedText {
    static_assert(BytesMax < 256);

  public:
    [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    void clear() noexcept { size_ = 0; }
    void append(std::string_view part) noexcept {
        const std::size_t bytes = std::min(part.size(), BytesMax - size_);
        std::copy_n(part.data(), bytes, bytes_.data() + size_);
        size_ = static_cast<std::uint8_t>(size_ + bytes);
    }

  private:
    std::uint8_t size_ = 0;
    std::array<char, BytesMax> bytes_; // Only the first size_ bytes mean anything.
};

} // namespace headroom::balance
