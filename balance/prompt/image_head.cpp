// Where each image format keeps its width and height.
#include "balance/prompt/media_head.hpp"

#include <optional>

namespace headroom::balance {
namespace {

ImageSize sized(std::optional<std::uint32_t> width, std::optional<std::uint32_t> height) noexcept {
    return width && height ? ImageSize{*width, *height} : ImageSize{};
}

/// PNG (ISO/IEC 15948): the header chunk comes first.
ImageSize png_size(Base64Bytes bytes) noexcept {
    if (!bytes.skip(12)) return {};
    const auto width = bytes.big32();
    return sized(width, bytes.big32());
}

ImageSize gif_size(Base64Bytes bytes) noexcept {
    if (!bytes.skip(2)) return {};
    const auto width = bytes.little16();
    return sized(width, bytes.little16());
}

/// BMP: "BM" has been read; an old header has 16-bit sizes; a negative height means top-down rows.
ImageSize bmp_size(Base64Bytes bytes) noexcept {
    if (!bytes.skip(12)) return {};
    const auto header_bytes = bytes.little32();
    if (header_bytes == 12) {
        const auto width = bytes.little16();
        return sized(width, bytes.little16());
    }
    const auto width = bytes.little32();
    const auto height = bytes.little32();
    if (!width || !height) return {};
    const auto absolute = [](std::uint32_t value) {
        return value >> 31 != 0 ? std::uint32_t{0} - value : value;
    };
    return {absolute(*width), absolute(*height)};
}

/// WebP (RFC 9649): lossy, lossless or extended.
ImageSize webp_size(Base64Bytes bytes) noexcept {
    // "RIFF" has been read; its size, "WEBP", and "VP8".
    if (!bytes.skip(8)) return {};
    const auto kind = bytes.big32();
    if (!bytes.skip(4)) return {};
    if (kind == 0x56503820U) {
        // A frame tag of three bytes and a start code of three.
        if (!bytes.skip(6)) return {};
        const auto width = bytes.little16();
        const auto height = bytes.little16();
        return width && height ? ImageSize{*width & 0x3fff, *height & 0x3fff} : ImageSize{};
    }
    if (kind == 0x5650384cU) {
        if (!bytes.skip(1)) return {};
        const auto bits = bytes.little32();
        return bits ? ImageSize{(*bits & 0x3fff) + 1, (*bits >> 14 & 0x3fff) + 1} : ImageSize{};
    }
    if (kind != 0x56503858U || !bytes.skip(4)) return {};
    const auto little24 = [&bytes]() -> std::optional<std::uint32_t> {
        const auto low = bytes.little16();
        const auto high = bytes.next();
        if (!low || !high) return std::nullopt;
        return (std::uint32_t{*high} << 16 | *low) + 1;
    };
    const auto width = little24();
    return sized(width, little24());
}

/// JPEG (ISO/IEC 10918-1): segments up to the first start of frame.
ImageSize jpeg_size(Base64Bytes bytes) noexcept {
    for (;;) {
        auto marker = bytes.next();
        if (!marker || *marker != 0xff) return {};
        while (marker && *marker == 0xff)
            marker = bytes.next();
        if (!marker) return {};
        const unsigned kind = *marker;
        const bool alone = kind == 0x01 || (kind >= 0xd0 && kind <= 0xd8);
        if (alone) continue;
        const auto length = bytes.big16();
        if (!length || *length < 2) return {};
        // C4, C8 and CC are tables, not frames.
        const bool frame = kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
        if (frame) {
            if (!bytes.skip(1)) return {};
            const auto height = bytes.big16();
            return sized(bytes.big16(), height);
        }
        // The picture itself, or its end, before any size.
        if (kind == 0xda || kind == 0xd9) return {};
        if (!bytes.skip(*length - 2)) return {};
    }
}

} // namespace

std::string_view data_uri_payload(std::string_view raw) noexcept {
    // RFC 2397; the media type is short, and an escaped slash in it does not matter.
    constexpr std::size_t head_bytes_max = 256;
    if (!raw.starts_with("data:")) return {};
    const std::size_t comma = raw.substr(0, head_bytes_max).find(',');
    if (comma == raw.npos || !raw.substr(0, comma).ends_with(";base64")) return {};
    return raw.substr(comma + 1);
}

ImageSize image_size(std::string_view base64) noexcept {
    Base64Bytes bytes(base64, media_head_bytes_max);
    const auto first = bytes.big16();
    if (!first) return {};
    if (*first == 0xffd8U) return jpeg_size(bytes);
    if (*first == 0x424dU) return bmp_size(bytes);
    const auto second = bytes.big16();
    if (!second) return {};
    switch (*first << 16 | *second) {
        case 0x89504e47U: return png_size(bytes);
        case 0x47494638U: return gif_size(bytes);
        case 0x52494646U: return webp_size(bytes);
        default: return {};
    }
}

} // namespace headroom::balance
