// Finding a form field in a body that lies in pieces.
#include "core/multipart.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace headroom::core {
namespace {

constexpr std::string_view marker = "name=\"model\"";
constexpr std::size_t value_bytes_max = 256;
/// The rest of the part's head, its value, and the line break behind it.
constexpr std::size_t looked_at_max = 1024;

/// Offset behind the marker in the whole body.
std::optional<std::uint64_t> find_marker(const RequestBody& body) {
    std::string seam; // the end of what was searched, for a marker that spans pieces
    std::uint64_t offset = 0;
    for (const net::Slice& piece : body.pieces()) {
        const std::string_view bytes = piece.view();
        const std::size_t before = seam.size();
        seam += bytes.substr(0, marker.size() - 1);
        if (const std::size_t at = seam.find(marker); at != std::string::npos)
            return offset - before + at + marker.size();
        if (const std::size_t at = bytes.find(marker); at != std::string_view::npos)
            return offset + at + marker.size();
        if (bytes.size() >= marker.size()) {
            seam = bytes.substr(bytes.size() - (marker.size() - 1));
        } else if (seam.size() >= marker.size()) {
            seam.erase(0, seam.size() - (marker.size() - 1));
        }
        offset += bytes.size();
    }
    return std::nullopt;
}

std::string copy_from(const RequestBody& body, std::uint64_t begin) {
    std::string text;
    std::uint64_t offset = 0;
    for (const net::Slice& piece : body.pieces()) {
        const std::uint64_t end = offset + piece.size();
        if (end > begin && text.size() < looked_at_max) {
            const std::size_t skip = begin > offset ? begin - offset : 0;
            text += piece.view().substr(skip, looked_at_max - text.size());
        }
        offset = end;
    }
    return text;
}

} // namespace

std::string multipart_model(const RequestBody& body) {
    const auto behind = find_marker(body);
    if (!behind) return {};
    const std::string text = copy_from(body, *behind);
    const std::size_t head_end = text.find("\r\n\r\n");
    if (head_end == std::string::npos) return {};
    const std::size_t value = head_end + 4;
    const std::size_t value_end = text.find("\r\n", value);
    if (value_end == std::string::npos || value_end - value > value_bytes_max) return {};
    return text.substr(value, value_end - value);
}

} // namespace headroom::core
