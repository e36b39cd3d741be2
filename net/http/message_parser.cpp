// Heads: from the start line to the decisions about the body.
#include "net/http/message_parser.hpp"

#include "net/assert.hpp"
#include "net/http/framing.hpp"
#include "net/http/start_line.hpp"
#include "net/limits.hpp"

namespace headroom::net {

MessageParser::MessageParser(Role role) noexcept : role_(role) {}

ParseStatus MessageParser::fail(ParseFailure failure) noexcept {
    failure_ = failure;
    // To a client every invalid response is the gateway's 502 (RFC 9110 §15.6.3).
    if (role_ == Role::response) failure_.status = 502;
    phase_ = Phase::failed;
    scanner_.reset();
    return ParseStatus::error;
}

void MessageParser::next_head() noexcept {
    head_.clear();
    scanner_.reset();
    position_ = 0;
    phase_ = Phase::start_line;
}

void MessageParser::reset() noexcept {
    next_head();
    trailers_.reset();
    chunks_ = ChunkedDecoder();
    failure_ = {};
    body_bytes_ = 0;
    interim_count_ = 0;
}

ParseStatus MessageParser::read_head(std::string_view input, std::size_t& consumed) noexcept {
    consumed = 0;
    if (phase_ == Phase::failed) return ParseStatus::error;
    HEADROOM_ASSERT(phase_ == Phase::start_line || phase_ == Phase::fields);
    const std::string_view seen = input.substr(0, limits::head_bytes_max);
    head_.rebase(seen.data());
    ParseStatus status = ParseStatus::done;
    if (phase_ == Phase::start_line) status = read_start_line(seen);
    if (status == ParseStatus::done) status = read_fields(seen);
    if (status == ParseStatus::done || status == ParseStatus::interim) consumed = position_;
    return status;
}

ParseStatus MessageParser::read_start_line(std::string_view input) noexcept {
    // RFC 9112 §2.2: one empty line before a request line is forgiven; more are not.
    const std::size_t begin = role_ == Role::request && input.substr(0, 2) == "\r\n" ? 2 : 0;
    const std::string_view line = input.substr(0, limits::start_line_bytes_max);
    // Known before the line is judged: no answer to HEAD has a body, not even the refusal of a broken line.
    if (role_ == Role::request && line.substr(begin).starts_with("HEAD ")) head_.method_ = Method::head;
    const std::size_t line_feed = line.find('\n', begin > position_ ? begin : position_);
    if (line_feed == std::string_view::npos) return read_partial_line(line, begin);
    if (line_feed == begin || line[line_feed - 1] != '\r') return fail({400, "bare LF in start line"});
    StartLine reader(head_, input);
    const ParseFailure failure = role_ == Role::request ? reader.read_request(begin, line_feed - 1)
                                                        : reader.read_status(begin, line_feed - 1);
    if (failure) return fail(failure);
    head_.bytes_.offset = static_cast<std::uint32_t>(begin);
    scanner_ = std::make_unique<FieldScanner>(head_.fields_, line_feed + 1, limits::fields_max);
    phase_ = Phase::fields;
    return ParseStatus::done;
}

/// Refuses at once what can never become a start line, such as a TLS record sent to a plain port.
ParseStatus MessageParser::read_partial_line(std::string_view line, std::size_t begin) noexcept {
    std::size_t at = begin > position_ ? begin : position_;
    for (; at < line.size(); ++at) {
        const char c = line[at];
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
        if (c == '\t' && role_ == Role::response) continue;
        if (c == '\r' && at + 1 == line.size()) break; // its LF may follow
        return fail({400, "control character in start line"});
    }
    // An empty line alone has not begun anything: its sender may leave in peace.
    position_ = at == begin ? 0 : static_cast<std::uint32_t>(at);
    if (line.size() == limits::start_line_bytes_max) return fail({414, "start line too long"});
    return ParseStatus::need_more;
}

ParseStatus MessageParser::read_fields(std::string_view input) noexcept {
    const ParseStatus status = scanner_->scan(input);
    if (status == ParseStatus::error) return fail(scanner_->failure());
    if (status == ParseStatus::need_more) {
        if (input.size() == limits::head_bytes_max) return fail({431, "head too large"});
        return status;
    }
    position_ = static_cast<std::uint32_t>(scanner_->position());
    head_.bytes_.size = position_ - head_.bytes_.offset;
    scanner_.reset();
    return settle();
}

ParseStatus MessageParser::settle() noexcept {
    Framing framing(head_);
    const ParseFailure failure = role_ == Role::request
                                     ? framing.settle_request()
                                     : framing.settle_response(request_method_, upgrade_asked_);
    if (failure) return fail(failure);
    if (role_ == Role::response && head_.interim()) {
        if (++interim_count_ > limits::interim_responses_max)
            return fail({400, "too many interim responses"});
        phase_ = Phase::complete;
        return ParseStatus::interim;
    }
    const bool empty = head_.framing() == BodyFraming::none ||
                       (head_.framing() == BodyFraming::length && head_.content_length_ == 0);
    phase_ = empty ? Phase::complete : Phase::body;
    return ParseStatus::done;
}

} // namespace headroom::net
