// Building blocks of the corpus, and the families put together.
#include "tests/net/http_corpus/corpus.hpp"

#include <iterator>
#include <utility>

namespace headroom::net::corpus {
namespace {

std::string join(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts)
        text += part;
    return text;
}

template <typename Case>
std::vector<Case> concatenate(std::initializer_list<std::vector<Case>> families) {
    std::vector<Case> all;
    for (const auto& family : families)
        all.insert(all.end(), family.begin(), family.end());
    return all;
}

} // namespace

std::string repeated(std::size_t count, std::string_view text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
        all += text;
    return all;
}

std::string get(std::string_view fields) {
    return join({"GET / HTTP/1.1\r\nHost: h\r\n", fields, "\r\n"});
}

std::string post(std::string_view fields, std::string_view body) {
    return join({"POST / HTTP/1.1\r\nHost: h\r\n", fields, "\r\n", body});
}

std::string chunked(std::string_view coded) {
    return post("Transfer-Encoding: chunked\r\n", coded);
}

std::string line(std::string_view text) {
    return join({text, "\r\nHost: h\r\n\r\n"});
}

std::string ok(std::string_view fields, std::string_view body) {
    return join({"HTTP/1.1 200 OK\r\n", fields, "\r\n", body});
}

std::string ok_chunked(std::string_view coded) {
    return ok("Transfer-Encoding: chunked\r\n", coded);
}

std::vector<RequestCase> all_requests() {
    return concatenate({request_lines(), targets(), hosts(), content_lengths(), transfer_encodings(),
                        chunks(), request_trailers(), request_fields(), request_sizes(), connections(),
                        pipelines()});
}

std::vector<ResponseCase> all_responses() {
    return concatenate({status_lines(), response_framings(), response_chunks(), interim_responses(),
                        switched_protocols(), response_fields()});
}

} // namespace headroom::net::corpus
