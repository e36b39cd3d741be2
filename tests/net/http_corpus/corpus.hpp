// The corpus: messages with the verdict that RFC 9110, RFC 9112 and RFC 3986 ask for, by family.
// Shared by the parser, reader and round-trip tests. A case says why it is decided so, with the section.
#pragma once

#include "net/http/method.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::net::corpus {

/// A connection's bytes from a client, and what is made of them (see rendering.hpp).
struct RequestCase {
    std::string why;
    std::string input;
    std::string expected;
};

/// A connection's bytes from a backend as the answer to `method`, then its orderly end.
struct ResponseCase {
    std::string why;
    std::string input;
    std::string expected;
    Method method = Method::get;
    std::string_view upgrade = {};
};

std::vector<RequestCase> request_lines();
std::vector<RequestCase> targets();
std::vector<RequestCase> hosts();
std::vector<RequestCase> content_lengths();
std::vector<RequestCase> transfer_encodings();
std::vector<RequestCase> chunks();
std::vector<RequestCase> request_trailers();
std::vector<RequestCase> request_fields();
std::vector<RequestCase> request_sizes();
std::vector<RequestCase> connections();
std::vector<RequestCase> pipelines();
/// All of the above.
std::vector<RequestCase> all_requests();

std::vector<ResponseCase> status_lines();
std::vector<ResponseCase> response_framings();
std::vector<ResponseCase> response_chunks();
std::vector<ResponseCase> interim_responses();
std::vector<ResponseCase> switched_protocols();
std::vector<ResponseCase> response_fields();
/// All of the above.
std::vector<ResponseCase> all_responses();

/// `text`, `count` times.
std::string repeated(std::size_t count, std::string_view text);

// Building blocks: each returns a whole message.

/// GET / with Host and then `fields`, whose lines end in CRLF.
std::string get(std::string_view fields);
/// POST / with Host, `fields` and then `body`.
std::string post(std::string_view fields, std::string_view body);
/// A chunked POST whose body is `coded`.
std::string chunked(std::string_view coded);
/// The request line `line`, with Host and without a body.
std::string line(std::string_view text);
/// 200 OK with `fields` and then `body`.
std::string ok(std::string_view fields, std::string_view body);
/// A chunked 200 OK whose body is `coded`.
std::string ok_chunked(std::string_view coded);

} // namespace headroom::net::corpus
