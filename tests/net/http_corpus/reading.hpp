// Reading: one connection's bytes through a parser, told as a line of text (see rendering.hpp).
// Shared by the corpus tests and the fuzzers.
#pragma once

#include "net/http/parser.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::net::corpus {

/// Bytes in a heap block of exactly their size, so that AddressSanitizer sees one byte too far.
class Exact {
  public:
    explicit Exact(std::string_view bytes) : data_(new char[bytes.size()]), size_(bytes.size()) {
        if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
    }
    std::string_view view() const { return {data_.get(), size_}; }

  private:
    std::unique_ptr<char[]> data_;
    std::size_t size_;
};

inline std::string show_request(const Head& head) {
    std::string text = std::string(head.method_text()) + " " + std::string(head.path());
    if (head.has_query()) text += "?" + std::string(head.query());
    const bool plain = head.authority().empty() || head.authority() == "h";
    if (!plain || head.target().find("://") != std::string_view::npos)
        text += " @" + std::string(head.authority());
    return text;
}

inline std::string show_response(const Head& head) {
    std::string text = std::to_string(head.status());
    if (!head.reason().empty()) text += " " + std::string(head.reason());
    return text;
}

/// One connection being read; the text grows with it.
template <typename Parser>
class Reading {
  public:
    Parser& parser() { return parser_; }

    void feed(std::string_view bytes) {
        pending_.append(bytes);
        while (!over_ && step()) {
        }
    }

    std::string finish_requests() {
        if (!over_ && (in_message_ || !pending_.empty() || text_.empty())) verdict("more");
        return text_;
    }

    std::string finish_response() {
        if (tunnel_) {
            text_ += " tunnel[" + pending_ + "]";
        } else if (over_) {
            if (!pending_.empty() && !failed_) text_ += " excess=" + std::to_string(pending_.size());
        } else if (in_message_) {
            if (parser_.on_eof()) {
                end_of_message();
            } else {
                verdict("cut");
            }
        } else {
            parser_.on_eof();
            verdict(parser_.failure() ? "502" : "cut");
        }
        return text_;
    }

  private:
    static constexpr bool is_request = Parser::side == Side::client;

    void verdict(std::string_view word) {
        if (!text_.empty()) text_ += in_message_ ? " " : "; ";
        text_ += word;
    }

    bool fail() {
        over_ = failed_ = true;
        if (is_request && in_message_) { // nothing of a broken request is worth showing
            text_.resize(message_begin_);
            in_message_ = false;
        }
        verdict(std::to_string(parser_.failure().status));
        return false;
    }

    bool step() { return in_message_ ? step_body() : step_head(); }

    bool step_head() {
        const Exact input(pending_);
        std::size_t consumed = 0;
        const ParseStatus status = parser_.read_head(input.view(), consumed);
        if (status == ParseStatus::error) return fail();
        if (status == ParseStatus::need_more) return false;
        head_bytes_ = pending_.substr(0, consumed);
        pending_.erase(0, consumed);
        parser_.head().rebase(head_bytes_.data());
        message_begin_ = text_.size();
        if (!text_.empty()) text_ += "; ";
        text_ += is_request ? show_request(parser_.head()) : show_response(parser_.head());
        if (status == ParseStatus::interim) {
            parser_.next_head();
            return true;
        }
        begin_body();
        return true;
    }

    void begin_body() {
        const Head& head = parser_.head();
        in_message_ = true;
        if (head.framing() == BodyFraming::tunnel) {
            text_ += " upgrade=" + std::string(head.upgrade());
            over_ = tunnel_ = true;
        } else if (head.framing() != BodyFraming::none) {
            text_ += " [";
        } else if (head.content_length()) {
            text_ += " length=" + std::to_string(*head.content_length());
        }
    }

    bool step_body() {
        const Exact input(pending_);
        std::size_t consumed = 0;
        BodySpans spans;
        const ParseStatus status = parser_.read_body(input.view(), consumed, spans);
        for (std::size_t i = 0; i < spans.count; ++i)
            text_ += spans.pieces[i];
        if (status == ParseStatus::error) return fail();
        pending_.erase(0, consumed);
        if (status == ParseStatus::done) end_of_message();
        return status != ParseStatus::need_more;
    }

    void end_of_message() {
        const Head& head = parser_.head();
        if (head.framing() != BodyFraming::none) text_ += "]";
        if (!head.upgrade().empty()) text_ += " upgrade=" + std::string(head.upgrade());
        if (head.expects_continue()) text_ += " expect";
        for (std::size_t i = 0; i < parser_.trailers().size(); ++i) {
            const Trailers::Field one = parser_.trailers().field(i);
            text_ += " {" + std::string(one.name) + ": " + std::string(one.value) + "}";
        }
        if (!head.keep_alive()) text_ += " close";
        in_message_ = false;
        over_ = !is_request || !head.keep_alive();
        parser_.reset();
    }

    Parser parser_;
    std::string pending_;
    std::string head_bytes_;
    std::string text_;
    std::size_t message_begin_ = 0;
    bool in_message_ = false;
    bool over_ = false;
    bool failed_ = false;
    bool tunnel_ = false;
};

} // namespace headroom::net::corpus
