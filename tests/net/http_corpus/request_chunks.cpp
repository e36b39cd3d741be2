// Chunked bodies and trailers of requests (RFC 9112 §7.1).
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

/// One chunk "hello" whose size line is `size`, then the end.
std::string sized(std::string_view text) {
    return chunked(std::string(text) + "\r\nhello\r\n0\r\n\r\n");
}

std::string extension(std::string_view text) {
    return sized("5" + std::string(text));
}

std::string trailer(std::string_view lines) {
    return chunked("5\r\nhello\r\n0\r\n" + std::string(lines) + "\r\n");
}

const std::vector<RequestCase> chunks_cases = {
    {"one chunk", sized("5"), "POST / [hello]"},
    {"no chunk", chunked("0\r\n\r\n"), "POST / []"},
    {"several", chunked("3\r\nhel\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n"), "POST / [hello]"},
    {"many more than one batch", chunked([] {
         std::string coded;
         for (int i = 0; i < 50; ++i)
             coded += "1\r\nx\r\n";
         return coded + "0\r\n\r\n";
     }()),
     "POST / [" + std::string(50, 'x') + "]"},
    {"CRLF as data", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "POST / [\r\n\r\n]"},
    {"a request as data", chunked("12\r\nGET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\n"),
     "POST / [GET / HTTP/1.1\r\n\r\n]"},
    {"hexadecimal, lower case", chunked("a\r\n0123456789\r\n0\r\n\r\n"), "POST / [0123456789]"},
    {"hexadecimal, upper case", chunked("A\r\n0123456789\r\n0\r\n\r\n"), "POST / [0123456789]"},
    {"leading zeros", sized("0000005"), "POST / [hello]"},
    {"several zeros end it", chunked("5\r\nhello\r\n000\r\n\r\n"), "POST / [hello]"},
    {"leading zeros without end", sized(std::string(2000, '0') + "5"), "400"},
    {"empty size", sized(""), "400"},
    {"plus", sized("+5"), "400"},
    {"minus", sized("-5"), "400"},
    {"0x", sized("0x5"), "400"},
    {"0X", sized("0X5"), "400"},
    {"0x0 ends nothing", chunked("5\r\nhello\r\n0x0\r\n\r\n"), "400"},
    {"not hexadecimal", sized("g"), "400"},
    {"letter behind", sized("5g"), "400"},
    {"decimal point", sized("5.0"), "400"},
    {"underscore", sized("0_5"), "400"},
    {"comma", sized("5,5"), "400"},
    {"space before", sized(" 5"), "400"},
    {"tab before", sized("\t5"), "400"},
    {"space behind", sized("5 "), "400"},
    {"tab behind", sized("5\t"), "400"},
    {"space inside", sized("0 5"), "400"},
    {"quotes", sized("\"5\""), "400"},
    {"NUL behind", sized("5\0"s), "400"},
    {"control character behind", sized("5\x01"), "400"},
    {"non-ASCII behind", sized("5\xa0"), "400"},
    {"minus zero", chunked("5\r\nhello\r\n-0\r\n\r\n"), "400"},
    {"2^63", sized("8000000000000000"), "400"},
    {"2^64", sized("10000000000000000"), "400"},
    {"2^64 + 5 wraps to 5", sized("10000000000000005"), "400"},
    {"2^32 + 5 is not 5", chunked("100000005\r\nhello"), "POST / [hello more"},
    {"forty digits", sized(std::string(40, 'f')), "400"},
    {"bare LF behind the size, RFC 9112 §2.2", chunked("5\nhello\r\n0\r\n\r\n"), "400"},
    {"bare CR behind the size", chunked("5\rhello\r\n0\r\n\r\n"), "400"},
    {"CR CR LF behind the size", chunked("5\r\r\nhello\r\n0\r\n\r\n"), "400"},
    {"LF CR behind the size", chunked("5\n\rhello\r\n0\r\n\r\n"), "400"},
    {"data shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), "400"},
    {"data longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), "400"},
    {"no CRLF behind the data", chunked("5\r\nhello0\r\n\r\n"), "400"},
    {"bare LF behind the data", chunked("5\r\nhello\n0\r\n\r\n"), "400"},
    {"bare CR behind the data", chunked("5\r\nhello\r0\r\n\r\n"), "400"},
    {"two CRLF behind the data", chunked("5\r\nhello\r\n\r\n0\r\n\r\n"), "400"},
    {"two bytes for the CRLF", chunked("5\r\nhelloXX0\r\n\r\n"), "400"},
    {"CRLF before the first size", chunked("\r\n5\r\nhello\r\n0\r\n\r\n"), "400"},
    {"bare LF behind the last size", chunked("5\r\nhello\r\n0\n\r\n"), "400"},
    {"bare LF at the very end", chunked("5\r\nhello\r\n0\r\n\n"), "400"},
    {"bare CR at the very end", chunked("5\r\nhello\r\n0\r\n\rX"), "400"},
    {"end missing", chunked("5\r\nhello\r\n"), "POST / [hello more"},
    {"last empty line missing", chunked("5\r\nhello\r\n0\r\n"), "POST / [hello more"},
    {"last LF missing", chunked("5\r\nhello\r\n0\r\n\r"), "POST / [hello more"},
    {"cut inside the data", chunked("5\r\nhel"), "POST / [hel more"},
    {"cut inside the size", chunked("5"), "POST / [ more"},
    {"not chunked at all", chunked("hello"), "400"},
    {"JSON instead of chunks", chunked("{\"a\":1}"), "400"},
    {"extension, RFC 9112 §7.1.1", extension(";a"), "POST / [hello]"},
    {"extension with a value", extension(";a=b"), "POST / [hello]"},
    {"several extensions", extension(";a=b;c;d=e"), "POST / [hello]"},
    {"quoted value", extension(";a=\"b c\""), "POST / [hello]"},
    {"empty quoted value", extension(";a=\"\""), "POST / [hello]"},
    {"quoted semicolon and equals", extension(";a=\"b;c=d\""), "POST / [hello]"},
    {"quoted pair", extension(";a=\"\\\"\\\\\""), "POST / [hello]"},
    {"quoted non-ASCII", extension(";a=\"\xc3\xa9\""), "POST / [hello]"},
    {"quoted tab", extension(";a=\"\t\""), "POST / [hello]"},
    {"quoted and then another", extension(";a=\"b\";c"), "POST / [hello]"},
    {"whitespace before the semicolon must be accepted, RFC 9110 §5.6.3", extension(" ;a"), "POST / [hello]"},
    {"whitespace everywhere it may be", extension(" \t; \ta \t= \t\"b\" \t; c"), "POST / [hello]"},
    {"whitespace before an unquoted value", extension(";a= b"), "POST / [hello]"},
    {"on the last chunk", chunked("0;a=b\r\n\r\n"), "POST / []"},
    {"empty extension", extension(";"), "400"},
    {"empty extension in between", extension(";;a"), "400"},
    {"no name", extension(";=b"), "400"},
    {"no value", extension(";a="), "400"},
    {"no value, then another", extension(";a=;b"), "400"},
    {"two values", extension(";a=b=c"), "400"},
    {"two words", extension(";a b"), "400"},
    {"value of two words", extension(";a=b c"), "400"},
    {"whitespace behind it", extension(";a "), "400"},
    {"whitespace behind the value", extension(";a=b "), "400"},
    {"whitespace behind the quotes", extension(";a=\"b\" "), "400"},
    {"quotes not closed", extension(";a=\"b"), "400"},
    {"something behind the quotes", extension(";a=\"b\"c"), "400"},
    {"quotes inside a value", extension(";a=b\"c\""), "400"},
    {"bare LF inside, as in TERM.EXT", chunked("5;\nhello\r\n0\r\n\r\n"), "400"},
    {"bare LF behind the name", chunked("5;a\nhello\r\n0\r\n\r\n"), "400"},
    {"bare CR inside", extension(";a\rb"), "400"},
    {"bare LF in quotes", extension(";a=\"\n\""), "400"},
    {"CR in quotes", extension(";a=\"\r\n\""), "400"},
    {"NUL in quotes", extension(";a=\"\0\""s), "400"},
    {"NUL in a quoted pair", extension(";a=\"\\\0\""s), "400"},
    {"DEL in quotes", extension(";a=\"\x7f\""), "400"},
    {"NUL in the name", extension(";a\0"s), "400"},
    {"non-ASCII in the name", extension(";\xc3\xa9"), "400"},
    {"separator in the name", extension(";a/b"), "400"},
    {"comma", extension(";a,b"), "400"},
    {"long but bounded", extension(";a=" + std::string(1000, 'b')), "POST / [hello]"},
    {"too long", extension(";a=" + std::string(1100, 'b')), "400"},
    {"endless", chunked("5;a=" + std::string(100000, 'b')), "400"},
    {"too many bytes of them in all", chunked([] {
         std::string coded;
         for (int i = 0; i < 40; ++i)
             coded += "1;a=" + std::string(900, 'b') + "\r\nx\r\n";
         return coded + "0\r\n\r\n";
     }()),
     "400"},
};

const std::vector<RequestCase> request_trailers_cases = {
    {"one, RFC 9112 §7.1.2", trailer("X-Checksum: abc\r\n"), "POST / [hello] {X-Checksum: abc}"},
    {"two", trailer("A: b\r\nC: d\r\n"), "POST / [hello] {A: b} {C: d}"},
    {"without data", chunked("0\r\nA: b\r\n\r\n"), "POST / [] {A: b}"},
    {"empty value", trailer("A:\r\n"), "POST / [hello] {A: }"},
    {"whitespace around", trailer("A: \t b \t\r\n"), "POST / [hello] {A: b}"},
    {"Content-Length, RFC 9110 §6.5.1", trailer("Content-Length: 5\r\n"), "400"},
    {"Transfer-Encoding", trailer("Transfer-Encoding: chunked\r\n"), "400"},
    {"Host", trailer("Host: evil\r\n"), "400"},
    {"Authorization is dropped", trailer("Authorization: x\r\nA: b\r\n"), "POST / [hello] {A: b}"},
    {"api-key is dropped", trailer("api-key: x\r\n"), "POST / [hello]"},
    {"Cookie is dropped", trailer("Cookie: x\r\n"), "POST / [hello]"},
    {"Content-Type is dropped", trailer("Content-Type: text/html\r\n"), "POST / [hello]"},
    {"Content-Encoding is dropped", trailer("content-encoding: gzip\r\n"), "POST / [hello]"},
    {"Connection is dropped", trailer("Connection: close\r\n"), "POST / [hello]"},
    {"Upgrade is dropped", trailer("Upgrade: websocket\r\n"), "POST / [hello]"},
    {"Expect is dropped", trailer("Expect: 100-continue\r\n"), "POST / [hello]"},
    {"TE is dropped", trailer("TE: trailers\r\n"), "POST / [hello]"},
    {"Trailer is dropped", trailer("Trailer: A\r\n"), "POST / [hello]"},
    {"X-Forwarded-For is dropped", trailer("X-Forwarded-For: 1.2.3.4\r\n"), "POST / [hello]"},
    {"what Connection names is dropped",
     post("Transfer-Encoding: chunked\r\nConnection: A\r\n", "0\r\nA: b\r\nC: d\r\n\r\n"),
     "POST / [] {C: d}"},
    {"space before the colon", trailer("A : b\r\n"), "400"},
    {"no colon", trailer("A\r\n"), "400"},
    {"no name", trailer(": b\r\n"), "400"},
    {"folded", trailer("A: b\r\n c\r\n"), "400"},
    {"space first", trailer(" A: b\r\n"), "400"},
    {"bare LF", trailer("A: b\n"), "400"},
    {"bare CR", trailer("A: b\rC: d\r\n"), "400"},
    {"NUL", trailer("A: b\0\r\n"s), "400"},
    {"control character", trailer("A: b\x01\r\n"), "400"},
    {"non-ASCII in the name", trailer("\xc3\xa9: b\r\n"), "400"},
    {"non-ASCII in the value, RFC 9110 §5.5", trailer("A: \xc3\xa9\r\n"), "POST / [hello] {A: \xc3\xa9}"},
    {"a request instead", chunked("0\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "400"},
    {"too large", trailer("A: " + std::string(9000, 'b') + "\r\n"), "431"},
    {"endless", chunked("0\r\nA: " + std::string(100000, 'b')), "431"},
    {"too many", trailer(repeated(40, "A: b\r\n")), "431"},
    {"an invalid name where one too many would begin", trailer(repeated(32, "A: b\r\n") + "C\x01: b\r\n"),
     "400"},
    {"not finished", chunked("0\r\nA: b\r\n"), "POST / [ more"},
    {"the next request behind them", trailer("A: b\r\n") + get(""), "POST / [hello] {A: b}; GET /"},
};

} // namespace

std::vector<RequestCase> chunks() {
    return chunks_cases;
}

std::vector<RequestCase> request_trailers() {
    return request_trailers_cases;
}

} // namespace headroom::net::corpus
