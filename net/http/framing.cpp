// The decisions taken from a head's fields.
#include "net/http/framing.hpp"

#include "net/http/characters.hpp"
#include "net/http/start_line.hpp"
#include "net/limits.hpp"

#include <limits>

namespace headroom::net {

ParseFailure Framing::read_fields() noexcept {
    constexpr std::uint64_t deciding = Head::bit(FieldId::connection) | Head::bit(FieldId::content_length) |
                                       Head::bit(FieldId::host) | Head::bit(FieldId::transfer_encoding);
    for (const FieldEntry& entry : head_.fields_.all()) {
        const std::uint64_t bit = Head::bit(entry.id);
        head_.present_ |= bit;
        if ((bit & deciding) == 0) continue;
        if (const ParseFailure failure = read_field(entry)) return failure;
    }
    head_.keep_alive_ = !close_ && (persist_ || head_.version_ == HttpVersion::http11);
    // Refused also where there is no body, as after HEAD: whoever wrote this frames its next message
    // likewise.
    if (head_.has(FieldId::transfer_encoding) && head_.has_content_length_)
        return {400, "content-length and transfer-encoding"};
    return {};
}

ParseFailure Framing::read_field(const FieldEntry& entry) noexcept {
    const Head::Range range{entry.value_offset, entry.value_size};
    switch (entry.id) {
        case FieldId::connection: return read_connection(head_.at(range));
        case FieldId::content_length: return read_content_length(head_.at(range));
        case FieldId::transfer_encoding: return read_transfer_encoding(head_.at(range));
        default: break;
    }
    ++hosts_;
    host_ = range;
    return {};
}

ParseFailure Framing::read_connection(std::string_view value) noexcept {
    for (std::string_view rest = value, option = next_list_element(rest); !option.empty();
         option = next_list_element(rest)) {
        // Each option is compared with every field: the product is what has to be bounded.
        if (++connection_options_ > limits::connection_options_max)
            return {400, "too many connection options"};
        if (same_name(option, "close")) close_ = true;
        if (same_name(option, "keep-alive")) {
            persist_ = true;
            continue; // the field of that name is hop-by-hop anyway
        }
        if (same_name(option, "upgrade")) switch_ = true;
        nominate(option);
    }
    return {};
}

void Framing::nominate(std::string_view name) noexcept {
    for (std::size_t i = 0; i < head_.fields_.size(); ++i) {
        if (same_name(head_.field(i).name, name)) head_.fields_[i].hop_by_hop = true;
    }
}

ParseFailure Framing::read_content_length(std::string_view value) noexcept {
    // A second one is refused even when it is equal: RFC 9110 §8.6 allows that, and equal here may be
    // different to the next parser.
    if (head_.has_content_length_) return {400, "several content-lengths"};
    if (value.empty() || !all_are(value, CharacterClass::digit)) return {400, "invalid content-length"};
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    std::uint64_t length = 0;
    for (const char c : value) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (length > (most - digit) / 10) return {400, "content-length out of range"};
        length = length * 10 + digit;
    }
    head_.has_content_length_ = true;
    head_.content_length_ = length;
    return {};
}

ParseFailure Framing::read_transfer_encoding(std::string_view value) noexcept {
    if (chunked_) return {400, "transfer coding after chunked"};
    if (same_name(value, "chunked")) {
        chunked_ = true;
        return {};
    }
    // Without parameters and quotes, codings are names between commas; anything else is not worth a guess.
    std::string_view last;
    for (std::string_view rest = value; !rest.empty();) {
        const std::size_t comma = rest.find(',');
        const std::string_view coding = trim(rest.substr(0, comma));
        if (!is_name(coding)) return {400, "invalid transfer-encoding"};
        if (same_name(last, "chunked")) return {400, "transfer coding after chunked"};
        last = coding;
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        if (comma != std::string_view::npos && rest.empty()) return {400, "invalid transfer-encoding"};
    }
    if (!same_name(last, "chunked")) return {400, "transfer-encoding does not end in chunked"};
    return {501, "transfer coding not supported"};
}

ParseFailure Framing::frame_body() noexcept {
    if (!head_.has(FieldId::transfer_encoding)) {
        head_.framing_ = head_.has_content_length_ ? BodyFraming::length : BodyFraming::none;
        return {};
    }
    if (head_.version_ == HttpVersion::http10) return {400, "transfer-encoding in HTTP/1.0"};
    head_.framing_ = BodyFraming::chunked;
    return {};
}

ParseFailure Framing::check_host() noexcept {
    if (hosts_ > 1) return {400, "several hosts"};
    if (hosts_ == 0) {
        return head_.version_ == HttpVersion::http11 ? ParseFailure{400, "no host"} : ParseFailure{};
    }
    if (!is_authority(head_.at(host_))) return {400, "invalid host"};
    // The authority of an absolute-form target has precedence (RFC 9112 §3.2.2).
    if (head_.authority_.size == 0) head_.authority_ = host_;
    return {};
}

ParseFailure Framing::check_expect() noexcept {
    if (!head_.has(FieldId::expect)) return {};
    // HTTP/1.0 has no expectations; passed on with our version it would become one.
    const bool ignored = head_.version_ == HttpVersion::http10;
    for (std::size_t i = 0; i < head_.fields_.size(); ++i) {
        const Head::Field field = head_.field(i);
        if (field.id != FieldId::expect) continue;
        if (!ignored && !same_name(field.value, "100-continue")) return {417, "expectation not supported"};
        if (ignored) head_.fields_[i].hop_by_hop = true;
    }
    const bool has_body = head_.framing_ == BodyFraming::chunked ||
                          (head_.framing_ == BodyFraming::length && head_.content_length_ > 0);
    head_.expects_continue_ = has_body && !ignored;
    return {};
}

ParseFailure Framing::settle_request() noexcept {
    if (const ParseFailure failure = read_fields()) return failure;
    if (const ParseFailure failure = frame_body()) return failure;
    if (const ParseFailure failure = check_host()) return failure;
    if (const ParseFailure failure = check_expect()) return failure;
    const bool may_switch = switch_ && head_.version_ == HttpVersion::http11 &&
                            head_.method_ == Method::get && head_.framing_ == BodyFraming::none &&
                            head_.count(FieldId::upgrade) == 1 &&
                            same_name(head_.find(FieldId::upgrade), "websocket");
    if (may_switch) head_.upgrade_ = head_.value_range(FieldId::upgrade);
    return {};
}

ParseFailure Framing::switch_protocols(std::string_view upgrade) noexcept {
    if (upgrade.empty()) return {400, "101 not asked for"};
    const bool in_order = switch_ && head_.version_ == HttpVersion::http11 &&
                          head_.count(FieldId::upgrade) == 1 &&
                          same_name(head_.find(FieldId::upgrade), upgrade);
    if (!in_order) return {400, "101 does not switch to what was asked for"};
    head_.upgrade_ = head_.value_range(FieldId::upgrade);
    head_.framing_ = BodyFraming::tunnel;
    head_.keep_alive_ = false;
    return {};
}

ParseFailure Framing::settle_response(Method method, std::string_view upgrade) noexcept {
    if (const ParseFailure failure = read_fields()) return failure;
    if (head_.status_ == 101) return switch_protocols(upgrade);
    if (head_.status_ < 200 || head_.status_ == 204) {
        // No body whatever the fields say, and the fields must not be there (RFC 9110 §8.6, RFC 9112 §6.1).
        head_.has_content_length_ = false;
        return {};
    }
    if (method == Method::head || head_.status_ == 304) return {};
    if (const ParseFailure failure = frame_body()) return failure;
    if (head_.framing_ == BodyFraming::none) {
        head_.framing_ = BodyFraming::until_close;
        head_.keep_alive_ = false;
    }
    return {};
}

} // namespace headroom::net
