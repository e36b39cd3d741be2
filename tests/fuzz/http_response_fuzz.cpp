// Any bytes from a backend: one verdict however they are cut, never more than llhttp allows, and what is
// accepted is written so that a client finds the same response.
#include "net/http/writer.hpp"
#include "net/limits.hpp"
#include "tests/fuzz/http_feeding.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace {

using namespace headroom::net;
using fuzz::require;

void forward_and_read_back(const Head& head, Method method) {
    static std::array<char, 2 * limits::head_bytes_max> memory;
    HeadWriter writer(memory);
    writer.status_line(head.status(), head.reason()).copy_end_to_end(head).end();
    require(writer.ok());
    ResponseParser client;
    client.expect(method);
    std::size_t consumed = 0;
    const ParseStatus status = client.read_head(writer.view(), consumed);
    require(status == (head.interim() ? ParseStatus::interim : ParseStatus::done));
    require(consumed == writer.view().size());
    require(client.head().status() == head.status() && client.head().reason() == head.reason());
    for (const Head::Field field : client.head())
        require(!field.hop_by_hop);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
    const Method method = (data[2] & 1) != 0 ? Method::head : Method::get;
    const std::string_view upgrade = (data[2] & 2) != 0 ? "websocket" : "";
    corpus::Reading<ResponseParser> whole;
    whole.parser().expect(method, upgrade);
    whole.feed(input);
    corpus::Reading<ResponseParser> pieces;
    pieces.parser().expect(method, upgrade);
    fuzz::feed_in_pieces(pieces, input, data[0], data[1]);
    require(whole.finish_response() == pieces.finish_response());

    ResponseParser parser;
    parser.expect(method, upgrade);
    std::size_t consumed = 0;
    const ParseStatus status = parser.read_head(input, consumed);
    if (status != ParseStatus::done && status != ParseStatus::interim) return 0;
    fuzz::compare_head_with_llhttp(HTTP_RESPONSE, input.substr(0, consumed));
    if (parser.head().framing() == BodyFraming::tunnel) return 0;
    forward_and_read_back(parser.head(), method);
    if (parser.head().framing() == BodyFraming::chunked) {
        fuzz::compare_chunks_with_llhttp(parser, input.substr(consumed));
    }
    return 0;
}
