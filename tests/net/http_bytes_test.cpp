// Every byte value in every kind of place, against the grammar as RFC 9110, RFC 9112 and RFC 3986 print it.
// The grammar here is written out apart from the product's tables.
#include "tests/net/http_corpus/corpus.hpp"
#include "tests/net/http_corpus/rendering.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

namespace headroom::net {
namespace {

using namespace std::string_literals;

bool is_digit(unsigned c) {
    return c >= '0' && c <= '9';
}
bool is_alpha(unsigned c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_in(unsigned c, std::string_view set) {
    return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}
bool is_hexdigit(unsigned c) {
    return is_digit(c) || is_in(c, "abcdefABCDEF");
}
bool is_tchar(unsigned c) {
    return is_digit(c) || is_alpha(c) || is_in(c, "!#$%&'*+-.^_`|~");
}
bool is_text(unsigned c) {
    return c == '\t' || c == ' ' || (c > 0x20 && c != 0x7f);
}
bool is_unreserved(unsigned c) {
    return is_alpha(c) || is_digit(c) || is_in(c, "-._~");
}
bool is_sub_delimiter(unsigned c) {
    return is_in(c, "!$&'()*+,;=");
}
bool is_path(unsigned c) {
    return is_unreserved(c) || is_sub_delimiter(c) || is_in(c, ":@/");
}

/// Puts every byte in the place and compares "was it accepted" with the grammar.
void expect_bytes(const std::function<std::string(char)>& input, const std::function<bool(unsigned)>& allowed,
                  std::string_view place) {
    for (unsigned c = 0; c < 256; ++c) {
        const std::string bytes = input(static_cast<char>(c));
        const std::string whole = corpus::render_request(bytes, {});
        const bool accepted = whole.substr(0, 1) == "G" || whole.substr(0, 1) == "P";
        EXPECT_EQ(accepted, allowed(c)) << place << ", byte " << c << ": " << whole;
        EXPECT_EQ(corpus::render_request(bytes, corpus::every_byte(bytes)), whole) << place << ", byte " << c;
    }
}

void expect_response_bytes(const std::function<std::string(char)>& input,
                           const std::function<bool(unsigned)>& allowed, std::string_view place) {
    for (unsigned c = 0; c < 256; ++c) {
        const corpus::ResponseCase test{"", input(static_cast<char>(c)), ""};
        const std::string whole = corpus::render_response(test, {});
        EXPECT_EQ(whole.find("502") == std::string::npos, allowed(c))
            << place << ", byte " << c << ": " << whole;
        EXPECT_EQ(corpus::render_response(test, corpus::every_byte(test.input)), whole)
            << place << ", byte " << c;
    }
}

TEST(HttpBytes, RequestLine) {
    const auto none = [](unsigned) { return false; };
    expect_bytes([](char c) { return corpus::line(c + "GET / HTTP/1.1"s); }, none, "before the method");
    expect_bytes([](char c) { return corpus::line("GE"s + c + "T / HTTP/1.1"); }, none, "inside the method");
    expect_bytes([](char c) { return corpus::line("GET"s + c + "/ HTTP/1.1"); },
                 [](unsigned c) { return c == ' '; }, "behind the method");
    expect_bytes([](char c) { return corpus::line("GET "s + c + "x HTTP/1.1"); },
                 [](unsigned c) { return c == '/'; }, "first of the target");
    expect_bytes([](char c) { return corpus::line("GET /x"s + c + "y HTTP/1.1"); },
                 [](unsigned c) { return is_path(c) || c == '?'; }, "inside the path");
    expect_bytes([](char c) { return corpus::line("GET /x?"s + c + "y HTTP/1.1"); },
                 [](unsigned c) { return is_path(c) || is_in(c, "?[]"); }, "inside the query");
    expect_bytes([](char c) { return corpus::line("GET /%4"s + c + " HTTP/1.1"); }, is_hexdigit,
                 "inside an escape");
    expect_bytes([](char c) { return corpus::line("GET /"s + c + "HTTP/1.1"); },
                 [](unsigned c) { return c == ' '; }, "before the version");
    expect_bytes([](char c) { return corpus::line("GET / HTTP/1"s + c + "1"); },
                 [](unsigned c) { return c == '.'; }, "inside the version");
    expect_bytes([](char c) { return corpus::line("GET / HTTP/1."s + c); },
                 [](unsigned c) { return c == '0' || c == '1'; }, "last of the version");
    expect_bytes([](char c) { return corpus::line("GET / HTTP/1.1"s + c); }, none, "behind the version");
    expect_bytes([](char c) { return "GET / HTTP/1.1"s + c + "\nHost: h\r\n\r\n"; },
                 [](unsigned c) { return c == '\r'; }, "first of the line's end");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r"s + c + "Host: h\r\n\r\n"; },
                 [](unsigned c) { return c == '\n'; }, "second of the line's end");
}

TEST(HttpBytes, FieldLines) {
    const auto none = [](unsigned) { return false; };
    const auto line_feed = [](unsigned c) { return c == '\n'; };
    expect_bytes([](char c) { return corpus::get(c + "A: b\r\n"s); }, is_tchar, "first of a name");
    expect_bytes([](char c) { return corpus::get("A"s + c + "B: b\r\n"); },
                 [](unsigned c) { return is_tchar(c) || c == ':'; }, "inside a name");
    expect_bytes([](char c) { return corpus::get("A"s + c + "\r\n"); }, [](unsigned c) { return c == ':'; },
                 "last of a line");
    expect_bytes([](char c) { return corpus::get("A:"s + c + "b\r\n"); }, is_text, "first of a value");
    expect_bytes([](char c) { return corpus::get("A: b"s + c + "c\r\n"); }, is_text, "inside a value");
    expect_bytes([](char c) { return corpus::get("A: b"s + c + "\r\n"); }, is_text, "last of a value");
    expect_bytes([](char c) { return corpus::get("A: b"s + c + "\nC: d\r\n"); },
                 [](unsigned c) { return c == '\r'; }, "first of a line's end");
    expect_bytes([](char c) { return corpus::get("A: b\r"s + c + "C: d\r\n"); }, line_feed,
                 "second of a line's end");
    expect_bytes([](char c) { return corpus::get("A: b\r\n"s + c + "C: d\r\n"); }, is_tchar,
                 "first of the next line");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r\nHost: h\r\n\r"s + c; }, line_feed,
                 "last of the head");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r\nHost: h\r\n"s + c + "\n"; },
                 [](unsigned c) { return c == '\r'; }, "first of the empty line");
    expect_bytes([](char c) { return corpus::get("Content-Length: 0"s + c + "0\r\n"); }, is_digit,
                 "inside a length");
    expect_bytes([](char c) { return corpus::post("Content-Length"s + c + ": 0\r\n", ""); }, is_tchar,
                 "behind the name of a length");
    expect_bytes([](char c) { return corpus::post("Transfer-Encoding: chunked"s + c + "\r\n", "0\r\n\r\n"); },
                 [](unsigned c) { return is_in(c, " \t"); }, "behind a coding");
    expect_bytes([](char c) { return corpus::post("Transfer-Encoding:"s + c + "chunked\r\n", "0\r\n\r\n"); },
                 [](unsigned c) { return is_in(c, " \t"); }, "before a coding");
    expect_bytes([](char c) { return corpus::post("Transfer-Encoding: ch"s + c + "nked\r\n", "0\r\n\r\n"); },
                 [](unsigned c) { return is_in(c, "uU"); }, "inside a coding");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r\nHost: a"s + c + "b\r\n\r\n"; },
                 [](unsigned c) { return c != ',' && (is_unreserved(c) || is_sub_delimiter(c)); },
                 "inside a host");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r\nHost: h:8"s + c + "\r\n\r\n"; },
                 [](unsigned c) { return is_digit(c) || is_in(c, " \t"); }, "inside a port");
    expect_bytes([](char c) { return "GET / HTTP/1.1\r\nHost"s + c + " h\r\n\r\n"; },
                 [](unsigned c) { return c == ':'; }, "behind the name of Host");
    expect_bytes([](char c) { return corpus::get(""s + c + "\r\n"); }, none, "a line of one byte");
}

TEST(HttpBytes, Chunks) {
    const auto line_feed = [](unsigned c) { return c == '\n'; };
    const auto carriage_return = [](unsigned c) { return c == '\r'; };
    const auto chunk = [](const std::string& line) { return corpus::chunked(line + "\r\nx\r\n0\r\n\r\n"); };
    expect_bytes([](char c) { return corpus::chunked(c + "0\r\n"s); }, is_hexdigit, "before a size");
    expect_bytes([](char c) { return corpus::chunked("0"s + c + "\r\n"); }, is_hexdigit, "behind a zero");
    expect_bytes([&](char c) { return chunk("1;"s + c + "a"); },
                 [](unsigned c) { return is_tchar(c) || is_in(c, " \t"); }, "first of an extension");
    expect_bytes([&](char c) { return chunk("1;a"s + c + "b"); },
                 [](unsigned c) { return is_tchar(c) || is_in(c, ";="); }, "inside an extension's name");
    expect_bytes([&](char c) { return chunk("1;a="s + c + "b"); },
                 [](unsigned c) { return is_tchar(c) || is_in(c, " \t"); }, "first of an extension's value");
    expect_bytes([&](char c) { return chunk("1;a=b"s + c + "c"); },
                 [](unsigned c) { return is_tchar(c) || c == ';'; }, "inside an extension's value");
    expect_bytes([&](char c) { return chunk("1;a=\""s + c + "\""); },
                 [](unsigned c) { return is_text(c) && !is_in(c, "\"\\"); }, "inside quotes");
    expect_bytes([&](char c) { return chunk("1;a=\"\\"s + c + "\""); }, is_text, "behind a backslash");
    expect_bytes([&](char c) { return chunk("1;a=\"b\""s + c + "c"); }, [](unsigned c) { return c == ';'; },
                 "behind quotes");
    expect_bytes([](char c) { return corpus::chunked("1\r"s + c + "x\r\n0\r\n\r\n"); }, line_feed,
                 "the LF of a size");
    expect_bytes([](char c) { return corpus::chunked("1\r\nx"s + c + "\n0\r\n\r\n"); }, carriage_return,
                 "the CR of data");
    expect_bytes([](char c) { return corpus::chunked("1\r\nx\r"s + c + "0\r\n\r\n"); }, line_feed,
                 "the LF of data");
    expect_bytes([](char c) { return corpus::chunked("0\r"s + c + "\r\n"); }, line_feed,
                 "the LF of the last size");
    expect_bytes([](char c) { return corpus::chunked("0\r\n"s + c + "\n"); }, carriage_return, "the last CR");
    expect_bytes([](char c) { return corpus::chunked("0\r\n\r"s + c); }, line_feed, "the last LF");
    expect_bytes([](char c) { return corpus::chunked("1\r\n"s + c + "\r\n0\r\n\r\n"); },
                 [](unsigned) { return true; }, "data");
}

TEST(HttpBytes, Responses) {
    const auto none = [](unsigned) { return false; };
    const auto status = [](const std::string& line) { return line + "\r\nContent-Length: 0\r\n\r\n"; };
    expect_response_bytes([&](char c) { return status(c + "HTTP/1.1 200 OK"s); }, none, "first");
    expect_response_bytes([&](char c) { return status("HTTP/1"s + c + "1 200 OK"); },
                          [](unsigned c) { return c == '.'; }, "version's dot");
    expect_response_bytes([&](char c) { return status("HTTP/1."s + c + " 200 OK"); },
                          [](unsigned c) { return c == '0' || c == '1'; }, "minor version");
    expect_response_bytes([&](char c) { return status("HTTP/1.1"s + c + "200 OK"); },
                          [](unsigned c) { return c == ' '; }, "before the status");
    expect_response_bytes([&](char c) { return status("HTTP/1.1 "s + c + "00 OK"); },
                          [](unsigned c) { return is_in(c, "12345"); },
                          "first digit"); // 100 is not a final one
    expect_response_bytes([&](char c) { return status("HTTP/1.1 2"s + c + "0 OK"); }, is_digit,
                          "second digit");
    expect_response_bytes([&](char c) { return status("HTTP/1.1 20"s + c + " OK"); }, is_digit,
                          "third digit");
    expect_response_bytes([&](char c) { return status("HTTP/1.1 200"s + c + "OK"); },
                          [](unsigned c) { return c == ' '; }, "behind the status");
    expect_response_bytes([&](char c) { return status("HTTP/1.1 200 O"s + c + "K"); }, is_text,
                          "inside the reason");
    expect_response_bytes([&](char c) { return status("HTTP/1.1 200 OK"s + c); }, is_text,
                          "last of the reason");
    expect_response_bytes([](char c) { return corpus::ok("Content-Length: 0\r\nA"s + c + "B: b\r\n", ""); },
                          [](unsigned c) { return is_tchar(c) || c == ':'; }, "inside a name");
    expect_response_bytes([](char c) { return corpus::ok("Content-Length: 0\r\nA: b"s + c + "c\r\n", ""); },
                          is_text, "inside a value");
    expect_response_bytes([](char c) { return corpus::ok_chunked("1\r\nx"s + c + "\n0\r\n\r\n"); },
                          [](unsigned c) { return c == '\r'; }, "the CR of data");
}

} // namespace
} // namespace headroom::net
