// Rendering: what a parser made of a connection's bytes, as one line that a test can compare.
//
// Requests:  "POST / [hello]" target and body; no brackets without a body; then, where true, " close",
//            " upgrade=websocket", " expect", " {name: value}" for each trailer. Messages are joined by "; ".
// Responses: "200 OK [hello]" and the same marks; " tunnel[bytes]"; " excess=3" bytes behind the end.
// The last part is the verdict where there is one: an error's status, "more" (waiting), "cut" (ended inside).
#pragma once

#include "net/http/parser.hpp"
#include "tests/net/http_corpus/corpus.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::net::corpus {

/// How the bytes arrive: the sizes of the pieces; the rest comes as one.
using Cuts = std::vector<std::size_t>;

/// Feeds `input` to a parser, every piece from memory of its own, so that a view kept too long is found.
std::string render_request(std::string_view input, const Cuts& cuts);
std::string render_response(const ResponseCase& test, const Cuts& cuts);

/// One byte at a time.
Cuts every_byte(std::string_view input);

} // namespace headroom::net::corpus
