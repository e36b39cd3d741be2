// Field lines, sizes, connection handling and pipelining of requests (RFC 9110 §5, §7; RFC 9112 §5, §9).
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

std::string expecting(std::string_view value) {
    return post("Expect:" + std::string(value) + "\r\nContent-Length: 5\r\n", "hello");
}

const std::vector<RequestCase> request_fields_cases = {
    {"several", get("A: b\r\nC: d\r\n"), "GET /"},
    {"every allowed character in a name, RFC 9110 §5.6.2", get("!#$%&'*+-.^_`|~09azAZ: b\r\n"), "GET /"},
    {"empty value, RFC 9110 §5.5", get("A:\r\n"), "GET /"},
    {"only whitespace for a value", get("A: \t \r\n"), "GET /"},
    {"tab inside a value", get("A: b\tc\r\n"), "GET /"},
    {"colon inside a value", get("A: b:c\r\n"), "GET /"},
    {"obs-text in a value, RFC 9110 §5.5", get("A: \x80\xff\r\n"), "GET /"},
    {"UTF-8 in a value", get("A: \xc3\xa9\r\n"), "GET /"},
    {"same name twice", get("A: b\r\nA: c\r\n"), "GET /"},
    {"one-letter names", get("a:b\r\nb:c\r\n"), "GET /"},
    {"space before the colon, RFC 9112 §5.1", get("A : b\r\n"), "400"},
    {"tab before the colon", get("A\t: b\r\n"), "400"},
    {"no name", get(": b\r\n"), "400"},
    {"only a colon", get(":\r\n"), "400"},
    {"no colon", get("A\r\n"), "400"},
    {"no colon, two words", get("A b\r\n"), "400"},
    {"space in a name", get("A B: c\r\n"), "400"},
    {"NUL in a name", get("A\0: b\r\n"s), "400"},
    {"control character in a name", get("A\x01: b\r\n"), "400"},
    {"DEL in a name", get("A\x7f: b\r\n"), "400"},
    {"non-ASCII in a name", get("\xc3\xa9: b\r\n"), "400"},
    {"brackets in a name", get("A[]: b\r\n"), "400"},
    {"parentheses in a name", get("A(): b\r\n"), "400"},
    {"slash in a name", get("A/B: c\r\n"), "400"},
    {"at sign in a name", get("A@B: c\r\n"), "400"},
    {"quotes in a name", get("\"A\": b\r\n"), "400"},
    {"equals in a name", get("A=B: c\r\n"), "400"},
    {"semicolon in a name", get("A;B: c\r\n"), "400"},
    {"comma in a name", get("A,B: c\r\n"), "400"},
    {"backslash in a name", get("A\\B: c\r\n"), "400"},
    {"braces in a name", get("{A}: c\r\n"), "400"},
    {"NUL in a value, RFC 9110 §5.5", get("A: b\0c\r\n"s), "400"},
    {"NUL first in a value", get("A:\0\r\n"s), "400"},
    {"control character in a value", get("A: b\x01\r\n"), "400"},
    {"bell in a value", get("A: \a\r\n"), "400"},
    {"escape in a value", get("A: \x1b[0m\r\n"), "400"},
    {"vertical tab in a value", get("A: b\vc\r\n"), "400"},
    {"form feed in a value", get("A: b\fc\r\n"), "400"},
    {"DEL in a value", get("A: b\x7f\r\n"), "400"},
    {"bare CR in a value, RFC 9112 §2.2", get("A: b\rc\r\n"), "400"},
    {"bare CR before the CRLF", get("A: b\r\r\n"), "400"},
    {"bare LF ends a line", get("A: b\nC: d\r\n"), "400"},
    {"LF CR ends a line", get("A: b\n\rC: d\r\n"), "400"},
    {"folded, RFC 9112 §5.2", get("A: b\r\n c\r\n"), "400"},
    {"folded with a tab", get("A: b\r\n\tc\r\n"), "400"},
    {"folded, empty", get("A: b\r\n \r\n"), "400"},
    {"folded at once", get("A:\r\n b\r\n"), "400"},
    {"fold behind the last line", "GET / HTTP/1.1\r\nHost: h\r\n \r\n\r\n", "400"},
    {"whitespace before the first line, RFC 9112 §2.2", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400"},
    {"tab before the first line", "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n", "400"},
    {"whitespace line first", "GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n", "400"},
    {"end by bare LF", "GET / HTTP/1.1\r\nHost: h\r\n\n", "400"},
    {"end by bare CR", "GET / HTTP/1.1\r\nHost: h\r\n\rX", "400"},
    {"end by CR CR LF", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n", "400"},
    {"end by LF LF", "GET / HTTP/1.1\r\nHost: h\n\n", "400"},
    {"second request line", get("GET / HTTP/1.1\r\n"), "400"},
    {"cut in a name", "GET / HTTP/1.1\r\nHo", "more"},
    {"cut in a value", "GET / HTTP/1.1\r\nHost: h", "more"},
    {"cut before the last LF", "GET / HTTP/1.1\r\nHost: h\r\n\r", "more"},
};

} // namespace

std::vector<RequestCase> request_fields() {
    return request_fields_cases;
}

std::vector<RequestCase> request_sizes() {
    const std::string wide(10000, 'b');
    return {
        {"one field of 10,000 bytes", get("A: " + wide + "\r\n"), "GET /"},
        {"one field of 50,000 bytes", get("A: " + std::string(50000, 'b') + "\r\n"), "GET /"},
        {"name of 1,000 bytes", get(std::string(1000, 'a') + ": b\r\n"), "GET /"},
        {"100 fields", get(repeated(100, "A: b\r\n")), "GET /"},
        {"128 fields with Host", get(repeated(127, "A: b\r\n")), "GET /"},
        {"129 fields with Host, RFC 6585 §5", get(repeated(128, "A: b\r\n")), "431"},
        {"an invalid name where a 129th field would begin", get(repeated(127, "A: b\r\n") + "C\x01: b\r\n"),
         "400"},
        {"5,000 fields", get(repeated(5000, "A: b\r\n")), "431"},
        {"head over the bound", get("A: " + std::string(70000, 'b') + "\r\n"), "431"},
        {"head over the bound in many fields", get(repeated(7, "A: " + wide + "\r\n")), "431"},
        {"endless value", "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(200000, 'b'), "431"},
        {"endless name", "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(200000, 'b'), "431"},
        {"endless whitespace before a value", "GET / HTTP/1.1\r\nHost: h\r\nA:" + std::string(200000, ' '),
         "431"},
        {"endless method", std::string(200000, 'A'), "414"},
        {"a body is not counted as head", post("Content-Length: 100000\r\n", std::string(100000, 'x')),
         "POST / [" + std::string(100000, 'x') + "]"},
    };
}

std::vector<RequestCase> connections() {
    const std::string ten = "GET / HTTP/1.0\r\nHost: h\r\n";
    const std::string ws = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    return {
        {"keep-alive is what 1.1 does, RFC 9112 §9.3", get("Connection: keep-alive\r\n"), "GET /"},
        {"close", get("Connection: close\r\n"), "GET / close"},
        {"close in capitals, RFC 9110 §7.6.1", get("CONNECTION: CLOSE\r\n"), "GET / close"},
        {"close in a list", get("Connection: a, close, b\r\n"), "GET / close"},
        {"close without spaces", get("Connection: a,close,b\r\n"), "GET / close"},
        {"close in a second line", get("Connection: keep-alive\r\nConnection: close\r\n"), "GET / close"},
        {"close has precedence", get("Connection: close, keep-alive\r\n"), "GET / close"},
        {"empty elements, RFC 9110 §5.6.1", get("Connection: ,, close ,\r\n"), "GET / close"},
        {"closed is not close", get("Connection: closed\r\n"), "GET /"},
        {"close with a parameter is not close", get("Connection: close;a\r\n"), "GET /"},
        {"empty", get("Connection:\r\n"), "GET /"},
        {"1.0 closes", ten + "\r\n", "GET / close"},
        {"1.0 with keep-alive", ten + "Connection: keep-alive\r\n\r\n", "GET /"},
        {"1.0 with keep-alive in a list", ten + "Connection: a, Keep-Alive\r\n\r\n", "GET /"},
        {"1.0 with both", ten + "Connection: keep-alive, close\r\n\r\n", "GET / close"},
        {"1.0 with a Keep-Alive field only", ten + "Keep-Alive: timeout=5\r\n\r\n", "GET / close"},
        {"Proxy-Connection counts for nothing", ten + "Proxy-Connection: keep-alive\r\n\r\n", "GET / close"},
        {"Proxy-Connection: close", get("Proxy-Connection: close\r\n"), "GET /"},
        {"very many options", get("Connection: " + repeated(2000, "a,") + "\r\n"), "400"},
        {"websocket, RFC 9110 §7.8", get(ws), "GET / upgrade=websocket"},
        {"websocket in other case", get("connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n"),
         "GET / upgrade=WebSocket"},
        {"Upgrade without Connection is ignored", get("Upgrade: websocket\r\n"), "GET /"},
        {"Connection: upgrade without Upgrade", get("Connection: upgrade\r\n"), "GET /"},
        {"upgrade on 1.0 is ignored, RFC 9110 §7.8", ten + ws + "\r\n", "GET / close"},
        {"upgrade of a POST is ignored", post(ws + "Content-Length: 5\r\n", "hello"), "POST / [hello]"},
        {"upgrade with a body is ignored", get(ws + "Content-Length: 5\r\n") + "hello", "GET / [hello]"},
        {"two Upgrade fields are ignored", get(ws + "Upgrade: websocket\r\n"), "GET /"},
        {"h2c is ignored, RFC 9113 §3.1",
         get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"), "GET /"},
        {"other protocols are ignored", get("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"), "GET /"},
        {"a choice of protocols is ignored", get("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
         "GET /"},
        {"Expect, RFC 9110 §10.1.1", expecting(" 100-continue"), "POST / [hello] expect"},
        {"Expect in capitals", expecting(" 100-CONTINUE"), "POST / [hello] expect"},
        {"Expect of another thing", expecting(" 200-ok"), "417"},
        {"Expect of a word that begins alike", expecting(" 100-continues"), "417"},
        {"Expect of nothing", expecting(""), "417"},
        {"Expect of several", expecting(" 100-continue, x"), "417"},
        {"Expect with a parameter", expecting(" 100-continue;a=b"), "417"},
        {"two Expect fields, one unknown", expecting(" 100-continue\r\nExpect: x"), "417"},
        {"Expect without a body", get("Expect: 100-continue\r\n"), "GET /"},
        {"Expect with an empty body", post("Expect: 100-continue\r\nContent-Length: 0\r\n", ""), "POST / []"},
        {"Expect with chunks", post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         "POST / [] expect"},
        {"Expect on 1.0 is ignored, RFC 9110 §10.1.1",
         "POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
         "POST / [hello] close"},
        {"unknown Expect on 1.0 is ignored", ten + "Expect: x\r\n\r\n", "GET / close"},
    };
}

std::vector<RequestCase> pipelines() {
    const std::string five = post("Content-Length: 5\r\n", "hello");
    return {
        {"two", get("") + get(""), "GET /; GET /"},
        {"three with bodies", five + get("") + five, "POST / [hello]; GET /; POST / [hello]"},
        {"chunked, then another", chunked("5\r\nhello\r\n0\r\n\r\n") + get(""), "POST / [hello]; GET /"},
        {"half of the next", get("") + "GET / HT", "GET /; more"},
        {"nonsense behind a request", get("") + "nonsense\r\n\r\n", "GET /; 400"},
        {"nonsense behind a body", five + "x\r\n", "POST / [hello]; 400"},
        {"an empty line in between, RFC 9112 §2.2", five + "\r\n" + get(""), "POST / [hello]; GET /"},
        {"two empty lines in between", five + "\r\n\r\n" + get(""), "POST / [hello]; 400"},
        {"body longer than its length", post("Content-Length: 4\r\n", "hello") + get(""),
         "POST / [hell]; 501"},
        {"a request inside a body stays there",
         post("Content-Length: 28\r\n", "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"),
         "POST / [GET /x HTTP/1.1\r\nHost: h\r\n\r\n]"},
        {"after close nothing counts", get("Connection: close\r\n") + get(""), "GET / close"},
        {"after 1.0 nothing counts", "GET / HTTP/1.0\r\n\r\n" + get(""), "GET / close"},
        {"twenty", repeated(20, get("")), "GET /" + repeated(19, "; GET /")},
        {"the second is broken", five + post("Content-Length: x\r\n", "hello"), "POST / [hello]; 400"},
    };
}

} // namespace headroom::net::corpus
