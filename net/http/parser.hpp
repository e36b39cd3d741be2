// RequestParser and ResponseParser: HTTP/1.0 and 1.1 messages from bytes, without any I/O (RFC 9110, RFC
// 9112). llhttp (strict, no lenient flag) reads the bytes; what it lets through although it is ambiguous or
// not asked for is refused here. The verdict does not depend on how the bytes were cut. Errors are final.
// Used through MessageReader (net/http/reader.hpp), or alone by tests and fuzzers.
#pragma once

#include "net/http/head.hpp"
#include "net/http/message_parser.hpp"
#include "net/result.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace headroom::net {

/// Requests, facing a client.
class RequestParser : public MessageParser {
  public:
    static constexpr Side side = Side::client;

    RequestParser() noexcept : MessageParser(Role::request) {}
};

/// Responses, facing a backend. expect() before each one.
class ResponseParser : public MessageParser {
  public:
    static constexpr Side side = Side::backend;

    ResponseParser() noexcept : MessageParser(Role::response) {}

    /// What the response answers: HEAD has no body whatever it says, and 101 is accepted only when `upgrade`
    /// (static storage, such as "websocket"; empty: none) was asked for and is what the response names.
    void expect(Method method, std::string_view upgrade = {}) noexcept {
        request_method_ = method;
        upgrade_asked_ = upgrade;
    }
};

} // namespace headroom::net
