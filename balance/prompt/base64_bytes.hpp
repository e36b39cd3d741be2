// The bytes of a base64 text that lies in a JSON string, decoded one by one as far as somebody reads.
// Promises: no copy, no allocation; escapes that encoders write into base64 (\/, +, line ends) are
// understood; what is no base64 ends the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::balance {

/// Reads forward through the inside of a JSON string.
class Base64Bytes {
  public:
    /// Gives at most `bytes_max` bytes.
    Base64Bytes(std::string_view raw, std::size_t bytes_max) noexcept : raw_(raw), left_(bytes_max) {}

    /// The next byte; nullopt at the end, at the first character that is no base64, and after bytes_max.
    std::optional<std::uint8_t> next() noexcept;
    /// Passes over `count` bytes, without decoding them where that is possible; false when there are fewer.
    bool skip(std::size_t count) noexcept;
    /// Bytes given and skipped so far.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    /// The next two or four bytes as a number; nullopt when they are not all there.
    std::optional<std::uint32_t> big16() noexcept;
    std::optional<std::uint32_t> big32() noexcept;
    std::optional<std::uint32_t> little16() noexcept;
    std::optional<std::uint32_t> little32() noexcept;

  private:
    int next_sextet() noexcept;
    int escaped() noexcept;

    std::string_view raw_;
    std::size_t left_;
    std::size_t position_ = 0;
    std::uint32_t bits_ = 0;
    unsigned bit_count_ = 0;
};

} // namespace headroom::balance
