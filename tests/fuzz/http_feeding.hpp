// Feeding of HTTP fuzzers: cuts that the input chooses, and llhttp as the judge of chunked bodies.
#pragma once

#include "tests/net/http_corpus/reading.hpp"

#include <llhttp.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace headroom::net::fuzz {

inline void require(bool holds) {
    if (!holds) std::abort();
}

/// Pieces of `first` bytes and of `second` bytes in turn; 0 stands for 1.
template <typename Parser>
void feed_in_pieces(corpus::Reading<Parser>& reading, std::string_view input, std::size_t first,
                    std::size_t second) {
    for (bool odd = false; !input.empty(); odd = !odd) {
        const std::size_t size = std::min(input.size(), std::max<std::size_t>(1, odd ? second : first));
        reading.feed(input.substr(0, size));
        input.remove_prefix(size);
    }
}

/// llhttp, strict, on a whole head: whatever is accepted here, it must accept too.
inline void compare_head_with_llhttp(llhttp_type_t type, std::string_view head) {
    static const llhttp_settings_t settings = [] {
        llhttp_settings_t made;
        llhttp_settings_init(&made);
        made.on_headers_complete = [](llhttp_t*) -> int { return HPE_PAUSED; };
        return made;
    }();
    llhttp_t machine;
    llhttp_init(&machine, type, &settings);
    // Of white space behind a length llhttp takes spaces only, RFC 9110 section 5.5 tabs, too.
    std::string spaced(head);
    std::ranges::replace(spaced, '\t', ' ');
    require(llhttp_execute(&machine, spaced.data(), spaced.size()) == HPE_PAUSED);
    require(llhttp_get_error_pos(&machine) == spaced.data() + spaced.size());
}

/// What llhttp makes of a chunked body: the decoded bytes, and whether it found the end.
struct Decoded {
    std::string body;
    bool whole = false;
    bool refused = false;
};

inline Decoded decode_with_llhttp(std::string_view coded) {
    static const llhttp_settings_t settings = [] {
        llhttp_settings_t made;
        llhttp_settings_init(&made);
        made.on_body = [](llhttp_t* machine, const char* at, std::size_t size) -> int {
            static_cast<Decoded*>(machine->data)->body.append(at, size);
            return 0;
        };
        made.on_message_complete = [](llhttp_t* machine) -> int {
            static_cast<Decoded*>(machine->data)->whole = true;
            return HPE_PAUSED;
        };
        return made;
    }();
    Decoded decoded;
    llhttp_t machine;
    llhttp_init(&machine, HTTP_RESPONSE, &settings);
    machine.data = &decoded;
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    require(llhttp_execute(&machine, head.data(), head.size()) == HPE_OK);
    const llhttp_errno_t outcome = llhttp_execute(&machine, coded.data(), coded.size());
    decoded.refused = outcome != HPE_OK && outcome != HPE_PAUSED;
    return decoded;
}

/// Where both accept a body they must agree on its bytes. `parser` has just read a chunked head.
inline void compare_chunks_with_llhttp(MessageParser& parser, std::string_view coded) {
    const Decoded expected = decode_with_llhttp(coded);
    std::string body;
    ParseStatus status = ParseStatus::full;
    while (status == ParseStatus::full) {
        std::size_t consumed = 0;
        BodySpans spans;
        status = parser.read_body(coded, consumed, spans);
        for (std::size_t i = 0; i < spans.count; ++i)
            body += spans.pieces[i];
        coded.remove_prefix(consumed);
    }
    if (expected.refused || status == ParseStatus::error) return;
    require(body == expected.body);
    require((status == ParseStatus::done) == expected.whole);
}

} // namespace headroom::net::fuzz
