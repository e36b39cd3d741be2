// Bodies: counted, chunked with trailers, or until the connection ends.
#include "net/assert.hpp"
#include "net/http/message_parser.hpp"

#include <algorithm>

namespace headroom::net {

const Trailers& MessageParser::trailers() const noexcept {
    static const Trailers none;
    return trailers_ != nullptr ? *trailers_ : none;
}

std::uint64_t MessageParser::expected_bytes() const noexcept {
    if (phase_ != Phase::body) return 0;
    if (head_.framing() == BodyFraming::length) return head_.content_length_ - body_bytes_;
    return head_.framing() == BodyFraming::chunked ? chunks_.expected_bytes() : 0;
}

ParseStatus MessageParser::read_body(std::string_view input, std::size_t& consumed, BodySpans& out) noexcept {
    consumed = 0;
    if (phase_ == Phase::failed) return ParseStatus::error;
    if (phase_ == Phase::complete) return ParseStatus::done;
    if (phase_ == Phase::trailers) return read_trailers(input, consumed);
    HEADROOM_ASSERT(phase_ == Phase::body); // the head comes first
    return head_.framing() == BodyFraming::chunked ? read_chunked(input, consumed, out)
                                                   : read_counted(input, consumed, out);
}

ParseStatus MessageParser::read_counted(std::string_view input, std::size_t& consumed,
                                        BodySpans& out) noexcept {
    std::uint64_t size = input.size();
    if (head_.framing() == BodyFraming::length) {
        if (head_.content_length_ > body_bytes_max_) return fail({413, "body too large"});
        size = std::min(size, head_.content_length_ - body_bytes_);
    } else if (size > body_bytes_max_ - std::min(body_bytes_max_, body_bytes_)) {
        return fail({413, "body too large"});
    }
    if (size > 0 && out.full()) return ParseStatus::full;
    out.add(input.substr(0, size));
    body_bytes_ += size;
    consumed = size;
    const bool counted = head_.framing() == BodyFraming::length;
    if (!counted || body_bytes_ < head_.content_length_) return ParseStatus::need_more;
    phase_ = Phase::complete;
    return ParseStatus::done;
}

ParseStatus MessageParser::read_chunked(std::string_view input, std::size_t& consumed,
                                        BodySpans& out) noexcept {
    const ParseStatus status = chunks_.decode(input, body_bytes_max_, consumed, out);
    body_bytes_ = chunks_.body_bytes();
    if (status == ParseStatus::error) return fail(chunks_.failure());
    if (status != ParseStatus::done) return status;
    phase_ = Phase::trailers;
    std::size_t trailer_bytes = 0;
    const ParseStatus end = read_trailers(input.substr(consumed), trailer_bytes);
    consumed += trailer_bytes;
    return end;
}

ParseStatus MessageParser::read_trailers(std::string_view input, std::size_t& consumed) noexcept {
    // Nearly always there are none, and nothing needs to be kept.
    if (trailers_ == nullptr && input.substr(0, 2) == "\r\n") {
        consumed = 2;
        phase_ = Phase::complete;
        return ParseStatus::done;
    }
    if (input.empty()) return ParseStatus::need_more;
    if (trailers_ == nullptr) trailers_ = std::make_unique<Trailers>();
    const ParseStatus status = trailers_->read(input, head_, consumed);
    if (status == ParseStatus::error) return fail(trailers_->failure());
    if (status == ParseStatus::done) phase_ = Phase::complete;
    return status;
}

bool MessageParser::on_eof() noexcept {
    if (phase_ == Phase::complete) return true;
    if (phase_ == Phase::failed) return false;
    if (phase_ == Phase::body &&
        (head_.framing() == BodyFraming::until_close || head_.framing() == BodyFraming::tunnel)) {
        phase_ = Phase::complete;
        return true;
    }
    if (begun()) fail({400, "message cut by the end of the connection"});
    return false;
}

} // namespace headroom::net
