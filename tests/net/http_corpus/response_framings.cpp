// Where a response's body ends (RFC 9112 §6.3), and what comes behind it.
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

ResponseCase bodiless(std::string why, std::string_view status, std::string_view rest, std::string expected,
                      Method method = Method::get) {
    return {std::move(why), "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(rest),
            std::move(expected), method};
}

void add_content_lengths(std::vector<ResponseCase>& cases) {
    const std::string refused[] = {"5, 5",
                                   "5,5",
                                   "5, 6",
                                   "",
                                   " ",
                                   "+5",
                                   "-5",
                                   "0x5",
                                   "5a",
                                   "5.0",
                                   "5e0",
                                   "5;",
                                   "5 0",
                                   "\"5\"",
                                   "five",
                                   "5\0"s,
                                   "\v5",
                                   "18446744073709551621",
                                   "9223372036854775808",
                                   "5\r\n 5",
                                   "5\r\nContent-Length: 5",
                                   "5\r\nContent-Length: 6",
                                   "6\r\ncontent-length: 5",
                                   "5\r\nTransfer-Encoding: chunked",
                                   "5\r\nTransfer-Encoding: identity"};
    for (const std::string& value : refused) {
        cases.push_back(
            {"Content-Length refused: " + value, ok("Content-Length: " + value + "\r\n", "hello"), "502"});
    }
}

void add_transfer_encodings(std::vector<ResponseCase>& cases) {
    const std::string refused[] = {"gzip",
                                   "gzip, chunked",
                                   "chunked, gzip",
                                   "chunked, chunked",
                                   "identity",
                                   "chunked, identity",
                                   "xchunked",
                                   "chunkedx",
                                   "",
                                   " ",
                                   ",",
                                   "chunked,",
                                   ", chunked",
                                   "chunked;a",
                                   "\"chunked\"",
                                   "chunked\0"s,
                                   "\vchunked",
                                   "chunked\x7f",
                                   "chun ked",
                                   "chunked\r\n ",
                                   "chunked\r\nTransfer-Encoding: chunked",
                                   "chunked\r\nTransfer-Encoding: identity",
                                   "identity\r\nTransfer-Encoding: chunked",
                                   "chunked\r\nContent-Length: 5"};
    for (const std::string& value : refused) {
        cases.push_back({"Transfer-Encoding refused: " + value,
                         ok("Transfer-Encoding: " + value + "\r\n", "5\r\nhello\r\n0\r\n\r\n"), "502"});
    }
}

const std::vector<ResponseCase> chunked_responses = {
    {"chunked", ok_chunked("5\r\nhello\r\n0\r\n\r\n"), "200 OK [hello]"},
    {"chunked in capitals", ok("TRANSFER-ENCODING: CHUNKED\r\n", "0\r\n\r\n"), "200 OK []"},
    {"several", ok_chunked("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), "200 OK [hello]"},
    {"extensions", ok_chunked("5 ; a = \"b\"\r\nhello\r\n0;c\r\n\r\n"), "200 OK [hello]"},
    {"trailers", ok_chunked("5\r\nhello\r\n0\r\nA: b\r\n\r\n"), "200 OK [hello] {A: b}"},
    {"trailers that are not safe", ok_chunked("0\r\nSet-Cookie: a\r\nA: b\r\nConnection: close\r\n\r\n"),
     "200 OK [] {A: b}"},
    {"Content-Length in trailers", ok_chunked("0\r\nContent-Length: 5\r\n\r\n"), "200 OK [ 502"},
    {"bytes behind it", ok_chunked("5\r\nhello\r\n0\r\n\r\nxyz"), "200 OK [hello] excess=3"},
    {"a response behind it", ok_chunked("0\r\n\r\n" + ok("", "")), "200 OK [] excess=19"},
    {"and close", ok("Connection: close\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "200 OK [] close"},
    {"cut before a chunk", ok_chunked("5\r\nhello\r\n"), "200 OK [hello cut"},
    {"cut inside a chunk", ok_chunked("5\r\nhel"), "200 OK [hel cut"},
    {"cut at once", ok_chunked(""), "200 OK [ cut"},
    {"cut inside a size", ok_chunked("5"), "200 OK [ cut"},
    {"cut behind a size", ok_chunked("5\r\n"), "200 OK [ cut"},
    {"cut before the last CRLF", ok_chunked("5\r\nhello\r\n0\r\n"), "200 OK [hello cut"},
    {"cut before the last LF", ok_chunked("5\r\nhello\r\n0\r\n\r"), "200 OK [hello cut"},
    {"cut inside the trailers", ok_chunked("0\r\nA: b"), "200 OK [ cut"},
    {"cut, and close was announced",
     ok("Connection: close\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n"), "200 OK [hello cut"},
};

} // namespace

std::vector<ResponseCase> response_framings() {
    std::vector<ResponseCase> cases = {
        {"length", ok("Content-Length: 5\r\n", "hello"), "200 OK [hello]"},
        {"length with a tab behind", ok("Content-Length: 5\t\r\n", "hello"), "200 OK [hello]"},
        {"length with leading zeros", ok("Content-Length: 005\r\n", "hello"), "200 OK [hello]"},
        {"length with bytes behind it", ok("Content-Length: 5\r\n", "hello!!!"), "200 OK [hello] excess=3"},
        {"length with a second response behind it",
         ok("Content-Length: 0\r\n", ok("Content-Length: 0\r\n", "")), "200 OK [] excess=38"},
        {"length with CRLF behind it", ok("Content-Length: 5\r\n", "hello\r\n"), "200 OK [hello] excess=2"},
        {"length, cut", ok("Content-Length: 6\r\n", "hello"), "200 OK [hello cut"},
        {"length, cut at once", ok("Content-Length: 6\r\n", ""), "200 OK [ cut"},
        {"length and close", ok("Content-Length: 5\r\nConnection: close\r\n", "hello"),
         "200 OK [hello] close"},
        {"length and close, cut", ok("Content-Length: 6\r\nConnection: close\r\n", "hello"),
         "200 OK [hello cut"},
        {"neither: until the end, RFC 9112 §6.3", ok("", "hello"), "200 OK [hello] close"},
        {"neither, empty", ok("", ""), "200 OK [] close"},
        {"neither, although keep-alive is claimed", ok("Connection: keep-alive\r\n", "hello"),
         "200 OK [hello] close"},
        {"neither: a second response is body", ok("", ok("", "")), "200 OK [HTTP/1.1 200 OK\r\n\r\n] close"},
        {"1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nhello", "200 OK [hello] close"},
        {"1.0 with length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 OK [hello] close"},
        {"1.0 with length, cut", "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello", "200 OK [hello cut"},
        {"1.0 with Transfer-Encoding, RFC 9112 §6.1",
         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "502"},
        {"201 with a body", "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "201 Created [ok]"},
        {"500 with a body", "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno", "500 X [no]"},
        bodiless("204, RFC 9110 §15.3.5", "204 No Content", "\r\n", "204 No Content"),
        bodiless("204 with length zero", "204 X", "Content-Length: 0\r\n\r\n", "204 X"),
        bodiless("204 with a length and a body", "204 X", "Content-Length: 5\r\n\r\nhello", "204 X excess=5"),
        bodiless("204 with chunks", "204 X", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "204 X excess=5"),
        bodiless("204 with a broken length", "204 X", "Content-Length: x\r\n\r\n", "502"),
        bodiless("304, RFC 9110 §15.4.5", "304 Not Modified", "\r\n", "304 Not Modified"),
        bodiless("304 with the length of the 200", "304 X", "Content-Length: 5\r\n\r\n", "304 X length=5"),
        bodiless("304 with a body", "304 X", "Content-Length: 5\r\n\r\nhello", "304 X length=5 excess=5"),
        bodiless("304 with two lengths", "304 X", "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "502"),
        bodiless("HEAD, RFC 9110 §9.3.2", "200 OK", "Content-Length: 5\r\n\r\n", "200 OK length=5",
                 Method::head),
        bodiless("HEAD with a body", "200 OK", "Content-Length: 5\r\n\r\nhello", "200 OK length=5 excess=5",
                 Method::head),
        bodiless("HEAD with chunked", "200 OK", "Transfer-Encoding: chunked\r\n\r\n", "200 OK", Method::head),
        bodiless("HEAD with chunks", "200 OK", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 "200 OK excess=5", Method::head),
        bodiless("HEAD with neither", "200 OK", "\r\n", "200 OK", Method::head),
        bodiless("HEAD with both", "200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "502",
                 Method::head),
        bodiless("304 with both", "304 X", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "502"),
        bodiless("204 with both", "204 X", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "502"),
        bodiless("HEAD of an error", "404 X", "Content-Length: 5\r\n\r\n", "404 X length=5", Method::head),
        {"HEAD and close", ok("Connection: close\r\n", ""), "200 OK close", Method::head},
    };
    add_content_lengths(cases);
    add_transfer_encodings(cases);
    return cases;
}

std::vector<ResponseCase> response_chunks() {
    std::vector<ResponseCase> cases = chunked_responses;
    const std::string refused[] = {"g",
                                   "+5",
                                   "-5",
                                   "0x5",
                                   " 5",
                                   "5 ",
                                   "",
                                   "5;",
                                   "5;a=",
                                   "5\0"s,
                                   "5,",
                                   "10000000000000005",
                                   "8000000000000000",
                                   "5\n",
                                   "5\r",
                                   std::string(3000, '0') + "5",
                                   "5;a=\"b",
                                   "5;a=" + std::string(2000, 'b')};
    for (const std::string& size : refused) {
        cases.push_back({"chunk size refused: " + size.substr(0, 30),
                         ok_chunked(size + "\r\nhello\r\n0\r\n\r\n"), "200 OK [ 502"});
    }
    const std::string broken[] = {"5\r\nhelloX\r\n0\r\n\r\n",
                                  "5\r\nhello0\r\n\r\n",
                                  "5\r\nhello\n0\r\n\r\n",
                                  "5\r\nhello\r\rX",
                                  "5\r\nhello\r\nx\r\n",
                                  "5\r\nhello\r\n0\n\r\n",
                                  "5\r\nhello\r\n0\r\n\n",
                                  "5\r\nhello\r\n0\r\n\rX",
                                  "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
                                  "5\r\nhello\r\n0\r\n b\r\n\r\n",
                                  "5\r\nhello\r\n0\r\nA: b\n\r\n",
                                  "5\r\nhello\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n",
                                  "5\r\nhello\r\n\r\n"};
    for (const std::string& coded : broken) {
        cases.push_back(
            {"broken behind a chunk: " + coded.substr(8), ok_chunked(coded), "200 OK [hello 502"});
    }
    return cases;
}

} // namespace headroom::net::corpus
