// Feeding parsers in pieces.
#include "tests/net/http_corpus/rendering.hpp"

#include "tests/net/http_corpus/reading.hpp"

#include <algorithm>

namespace headroom::net::corpus {
namespace {

template <typename Parser>
void feed_in_pieces(Reading<Parser>& reading, std::string_view input, const Cuts& cuts) {
    for (const std::size_t cut : cuts) {
        const std::size_t size = std::min(cut, input.size());
        reading.feed(input.substr(0, size));
        input.remove_prefix(size);
    }
    if (!input.empty()) reading.feed(input);
}

} // namespace

std::string render_request(std::string_view input, const Cuts& cuts) {
    Reading<RequestParser> reading;
    feed_in_pieces(reading, input, cuts);
    return reading.finish_requests();
}

std::string render_response(const ResponseCase& test, const Cuts& cuts) {
    Reading<ResponseParser> reading;
    reading.parser().expect(test.method, test.upgrade);
    feed_in_pieces(reading, test.input, cuts);
    return reading.finish_response();
}

Cuts every_byte(std::string_view input) {
    return Cuts(input.size(), 1);
}

} // namespace headroom::net::corpus
