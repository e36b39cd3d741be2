// How long a recording is: WAV says it, MP3 has a bit rate, everything else has a usual one.
#include "balance/prompt/media_head.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace headroom::balance {
namespace {

constexpr std::uint32_t riff = 0x52494646U;
constexpr std::uint32_t wave = 0x57415645U;
constexpr std::uint32_t fmt = 0x666d7420U;
constexpr std::uint32_t data = 0x64617461U;

std::uint64_t decoded_bytes(std::string_view base64) noexcept {
    return std::uint64_t{base64.size()} / 4 * 3;
}

/// Chunks up to the samples; their number is bounded by the bytes that are looked at.
std::optional<std::uint64_t> wav_milliseconds(Base64Bytes bytes, std::uint64_t file_bytes) noexcept {
    if (bytes.big32() != riff || !bytes.skip(4) || bytes.big32() != wave) return std::nullopt;
    std::uint32_t bytes_per_second = 0;
    for (;;) {
        const auto kind = bytes.big32();
        const auto size = bytes.little32();
        if (!kind || !size) return std::nullopt;
        if (kind == data) {
            if (bytes_per_second == 0) return std::nullopt;
            // A stream's header says less or more than there is.
            const std::uint64_t here = file_bytes - std::min<std::uint64_t>(file_bytes, bytes.position());
            const std::uint64_t samples = *size == 0 ? here : std::min<std::uint64_t>(*size, here);
            return samples * 1000 / bytes_per_second;
        }
        std::uint64_t left = std::uint64_t{*size} + (*size & 1);
        if (kind == fmt && left >= 12) {
            // Format, channels and sample rate come before the rate in bytes.
            if (!bytes.skip(8)) return std::nullopt;
            bytes_per_second = bytes.little32().value_or(0);
            left -= 12;
        }
        if (!bytes.skip(left)) return std::nullopt;
    }
}

/// Bits per second of the first MP3 frame (ISO/IEC 11172-3 and 13818-3, layer III).
std::optional<std::uint32_t> mp3_bit_rate(Base64Bytes bytes) noexcept {
    constexpr std::array<std::uint16_t, 16> first{0,   32,  40,  48,  56,  64,  80,  96,
                                                  112, 128, 160, 192, 224, 256, 320, 0};
    constexpr std::array<std::uint16_t, 16> second{0,  8,  16, 24,  32,  40,  48,  56,
                                                   64, 80, 96, 112, 128, 144, 160, 0};
    auto head = bytes.big32();
    if (head && *head >> 8 == 0x494433U) {
        // An ID3 tag: two bytes (one is the low byte of what was read), then its size in 7-bit bytes.
        if (!bytes.skip(2)) return std::nullopt;
        const auto size = bytes.big32();
        if (!size) return std::nullopt;
        const std::uint32_t tag_bytes =
            (*size & 0x7f) | (*size >> 1 & 0x3f80) | (*size >> 2 & 0x1fc000) | (*size >> 3 & 0xfe00000);
        if (!bytes.skip(tag_bytes)) return std::nullopt;
        head = bytes.big32();
    }
    // Eleven bits of synchronisation, two of version (3: MPEG-1), two of layer (1: III).
    if (!head || *head >> 21 != 0x7ffU || (*head >> 17 & 3) != 1) return std::nullopt;
    const unsigned version = *head >> 19 & 3;
    const unsigned index = *head >> 12 & 15;
    const std::uint32_t kilobits = version == 3 ? first[index] : second[index];
    if (kilobits == 0 || version == 1) return std::nullopt;
    return kilobits * 1000;
}

std::uint32_t usual_bit_rate(std::string_view format) noexcept {
    // 24 kHz, 16 bits, one channel: what the realtime models speak.
    if (format == "wav" || format == "pcm16") return 384'000;
    if (format == "flac") return 256'000;
    if (format == "opus" || format == "ogg" || format == "webm") return 32'000;
    if (format.starts_with("g711")) return 64'000;
    return 128'000;
}

} // namespace

std::uint64_t audio_milliseconds(std::string_view base64, std::string_view format) noexcept {
    const std::uint64_t bytes = decoded_bytes(base64);
    const Base64Bytes head(base64, media_head_bytes_max);
    if (const auto length = wav_milliseconds(head, bytes)) return *length;
    return bytes * 8 * 1000 / mp3_bit_rate(head).value_or(usual_bit_rate(format));
}

} // namespace headroom::balance
