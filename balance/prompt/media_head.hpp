// What the first bytes of an embedded image or recording say: pixels, or seconds.
// Promises: reads at most 64 KB of decoded data, never the rest; any bytes are accepted.
#pragma once

#include "balance/prompt/base64_bytes.hpp"
#include "balance/prompt/model_rules.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Decoded bytes that are looked at before a size counts as unknown.
inline constexpr std::size_t media_head_bytes_max = std::size_t{64} << 10;

/// The base64 text of a data: URI as it lies in a JSON string (escapes and all); empty when it is no such
/// URI.
[[nodiscard]] std::string_view data_uri_payload(std::string_view raw) noexcept;

/// The size of a PNG, GIF, WebP, BMP or JPEG given in base64; unknown for everything else.
[[nodiscard]] ImageSize image_size(std::string_view base64) noexcept;

/// The length of a recording in milliseconds: by the head of a WAV file or an MP3 frame, else by the usual
/// bit rate of `format`.
[[nodiscard]] std::uint64_t audio_milliseconds(std::string_view base64, std::string_view format) noexcept;

} // namespace headroom::balance
