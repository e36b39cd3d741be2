// What the fields of a head decide: the framing of the body, the life of the connection, and which fields end
// here (RFC 9112 §6.3, §9.3; RFC 9110 §7.6.1, §7.8, §10.1.1). Ambiguity is refused, never repaired.
#pragma once

#include "net/http/head.hpp"
#include "net/http/parse_status.hpp"

#include <string_view>

namespace headroom::net {

class Framing {
  public:
    explicit Framing(Head& head) noexcept : head_(head) {}

    /// Errors: 400, 417 (Expect), 501 (transfer codings).
    ParseFailure settle_request() noexcept;
    /// For a response to `method`; `upgrade` is the protocol that was asked for. Errors: 400 (for the parser
    /// to turn into 502).
    ParseFailure settle_response(Method method, std::string_view upgrade) noexcept;

  private:
    ParseFailure read_fields() noexcept;
    ParseFailure read_field(const FieldEntry& entry) noexcept;
    ParseFailure read_connection(std::string_view value) noexcept;
    void nominate(std::string_view name) noexcept;
    ParseFailure read_content_length(std::string_view value) noexcept;
    ParseFailure read_transfer_encoding(std::string_view value) noexcept;
    ParseFailure check_host() noexcept;
    ParseFailure check_expect() noexcept;
    ParseFailure frame_body() noexcept;
    ParseFailure switch_protocols(std::string_view upgrade) noexcept;

    Head& head_;
    Head::Range host_;
    unsigned hosts_ = 0;
    unsigned connection_options_ = 0;
    bool close_ = false;
    bool persist_ = false;
    bool switch_ = false;
    bool chunked_ = false;
};

} // namespace headroom::net
