// Any bytes from a client: one verdict however they are cut, never more than llhttp allows, and what is
// accepted is written so that a second reader finds the same request.
#include "net/http/writer.hpp"
#include "net/limits.hpp"
#include "tests/fuzz/http_feeding.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace {

using namespace headroom::net;
using fuzz::require;

void forward_and_read_back(const Head& head) {
    static std::array<char, 2 * limits::head_bytes_max> memory;
    HeadWriter writer(memory);
    writer.request_line(head.method(), head.path(), head.query()).field("Host", "backend");
    writer.copy_end_to_end(head, [](const Head::Field& field) { return field.id != FieldId::host; }).end();
    require(writer.ok());
    RequestParser backend;
    std::size_t consumed = 0;
    require(backend.read_head(writer.view(), consumed) == ParseStatus::done);
    require(consumed == writer.view().size());
    require(backend.head().framing() == BodyFraming::none);
    require(backend.head().path() == head.path() && backend.head().query() == head.query());
    for (const Head::Field field : backend.head())
        require(!field.hop_by_hop);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
    corpus::Reading<RequestParser> whole;
    whole.feed(input);
    corpus::Reading<RequestParser> pieces;
    fuzz::feed_in_pieces(pieces, input, data[0], data[1]);
    require(whole.finish_requests() == pieces.finish_requests());

    RequestParser parser;
    std::size_t consumed = 0;
    if (parser.read_head(input, consumed) == ParseStatus::done) {
        fuzz::compare_head_with_llhttp(HTTP_REQUEST, input.substr(0, consumed));
        forward_and_read_back(parser.head());
        const std::string_view body = input.substr(consumed);
        if (parser.head().framing() == BodyFraming::chunked) fuzz::compare_chunks_with_llhttp(parser, body);
    }
    return 0;
}
