// Reading a trailer section, and what is dropped from it.
#include "net/http/trailers.hpp"

#include "net/assert.hpp"
#include "net/http/head.hpp"
#include "net/limits.hpp"

#include <algorithm>
#include <array>

namespace headroom::net {
namespace {

/// RFC 9110 §6.5.1: framing, routing, request modifiers, authentication, response control, and how content is
/// to be processed.
constexpr std::array<std::string_view, 44> dropped = {"accept-ranges",
                                                      "age",
                                                      "allow",
                                                      "alt-svc",
                                                      "api-key",
                                                      "authentication-info",
                                                      "authorization",
                                                      "cache-control",
                                                      "clear-site-data",
                                                      "content-encoding",
                                                      "content-language",
                                                      "content-location",
                                                      "content-range",
                                                      "content-type",
                                                      "cookie",
                                                      "date",
                                                      "etag",
                                                      "expect",
                                                      "expires",
                                                      "forwarded",
                                                      "if-match",
                                                      "if-modified-since",
                                                      "if-none-match",
                                                      "if-range",
                                                      "if-unmodified-since",
                                                      "last-modified",
                                                      "location",
                                                      "max-forwards",
                                                      "origin",
                                                      "pragma",
                                                      "proxy-authentication-info",
                                                      "range",
                                                      "referer",
                                                      "retry-after",
                                                      "retry-after-ms",
                                                      "set-cookie",
                                                      "strict-transport-security",
                                                      "vary",
                                                      "via",
                                                      "warning",
                                                      "www-authenticate",
                                                      "x-forwarded-for",
                                                      "x-forwarded-host",
                                                      "x-forwarded-proto"};

bool is_dropped(std::string_view name) noexcept {
    return std::any_of(dropped.begin(), dropped.end(),
                       [name](std::string_view one) { return same_name(one, name); });
}

bool is_framing(FieldId id) noexcept {
    return id == FieldId::content_length || id == FieldId::transfer_encoding || id == FieldId::host;
}

} // namespace

Trailers::Field Trailers::field(std::size_t index) const noexcept {
    HEADROOM_ASSERT(index < kept_.size());
    const FieldEntry& entry = table_[kept_[index]];
    const std::string_view text = text_;
    return {text.substr(entry.name_offset, entry.name_size),
            text.substr(entry.value_offset, entry.value_size)};
}

ParseStatus Trailers::read(std::string_view input, const Head& head, std::size_t& consumed) {
    if (scanner_ == nullptr) scanner_ = std::make_unique<FieldScanner>(table_, 0, limits::trailers_max);
    const std::size_t before = text_.size();
    text_.append(input.substr(0, limits::trailer_bytes_max - before));
    const ParseStatus status = scanner_->scan(text_);
    consumed = text_.size() - before;
    if (status == ParseStatus::done) {
        consumed = scanner_->position() - before;
        text_.resize(scanner_->position());
        return sort_out(head);
    }
    if (status == ParseStatus::error) {
        failure_ = scanner_->failure();
    } else if (text_.size() == limits::trailer_bytes_max) {
        failure_ = {431, "trailers too large"};
    }
    return failure_ ? ParseStatus::error : ParseStatus::need_more;
}

ParseStatus Trailers::sort_out(const Head& head) {
    scanner_.reset();
    for (std::size_t i = 0; i < table_.size(); ++i) {
        const FieldEntry& entry = table_[i];
        const std::string_view name = std::string_view(text_).substr(entry.name_offset, entry.name_size);
        if (is_framing(entry.id)) {
            failure_ = {400, "framing field in trailers"};
            return ParseStatus::error;
        }
        if (entry.hop_by_hop || is_dropped(name) || head.nominated(name)) continue;
        kept_.push_back(static_cast<std::uint16_t>(i));
    }
    return ParseStatus::done;
}

} // namespace headroom::net
