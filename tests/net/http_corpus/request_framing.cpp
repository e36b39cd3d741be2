// Content-Length and Transfer-Encoding of requests (RFC 9112 §6, RFC 9110 §8.6): nothing here may smuggle.
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

std::string length(std::string_view value) {
    return post("Content-Length:" + std::string(value) + "\r\n", "hello");
}

std::string coding(std::string_view value) {
    return post("Transfer-Encoding:" + std::string(value) + "\r\n", "5\r\nhello\r\n0\r\n\r\n");
}

std::string both(std::string_view fields) {
    return post(fields, "0\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n");
}

const std::vector<RequestCase> content_lengths_cases = {
    {"plain", length(" 5"), "POST / [hello]"},
    {"no space", length("5"), "POST / [hello]"},
    {"whitespace around, RFC 9110 §5.5", length(" \t 5  "), "POST / [hello]"},
    {"tab behind, RFC 9110 §5.5", length(" 5\t"), "POST / [hello]"},
    {"tabs and spaces behind", length("\t5 \t "), "POST / [hello]"},
    {"zero", post("Content-Length: 0\r\n", ""), "POST / []"},
    {"leading zeros are digits, RFC 9110 §8.6", length(" 0005"), "POST / [hello]"},
    {"very many leading zeros", length(" " + std::string(100, '0') + "5"), "POST / [hello]"},
    {"none: no body, RFC 9112 §6.3", post("", ""), "POST /"},
    {"none, with bytes behind", post("", "hello"), "POST /; more"},
    {"GET with a body", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "GET / [hello]"},
    {"HEAD with a body", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "HEAD / [hello]"},
    {"HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", "POST / [hello] close"},
    {"name in capitals", post("CONTENT-LENGTH: 5\r\n", "hello"), "POST / [hello]"},
    {"body cut", post("Content-Length: 6\r\n", "hello"), "POST / [hello more"},
    {"body not begun", post("Content-Length: 6\r\n", ""), "POST / [ more"},
    {"twice, different, RFC 9112 §6.3", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), "400"},
    {"twice, equal: refused as RFC 9110 §8.6 allows",
     post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "400"},
    {"twice, other spelling", post("Content-Length: 5\r\ncontent-length: 6\r\n", "hello!"), "400"},
    {"twice, first empty", post("Content-Length:\r\nContent-Length: 5\r\n", "hello"), "400"},
    {"twice, far apart", post("Content-Length: 5\r\nA: b\r\nC: d\r\nContent-Length: 0\r\n", "hello"), "400"},
    {"list, different", length(" 5, 6"), "400"},
    {"list, equal", length(" 5, 5"), "400"},
    {"list without space", length(" 5,5"), "400"},
    {"trailing comma", length(" 5,"), "400"},
    {"leading comma", length(" ,5"), "400"},
    {"empty", length(""), "400"},
    {"only whitespace", length("  "), "400"},
    {"plus", length(" +5"), "400"},
    {"minus", length(" -5"), "400"},
    {"minus zero", length(" -0"), "400"},
    {"hexadecimal", length(" 0x5"), "400"},
    {"letters", length(" five"), "400"},
    {"digit and letter", length(" 5a"), "400"},
    {"decimal point", length(" 5.0"), "400"},
    {"exponent", length(" 5e0"), "400"},
    {"underscore", length(" 1_0"), "400"},
    {"quotes", length(" \"5\""), "400"},
    {"apostrophes", length(" '5'"), "400"},
    {"semicolon", length(" 5;"), "400"},
    {"space inside", length(" 5 0"), "400"},
    {"tab inside", length(" 5\t0"), "400"},
    {"vertical tab", length(" \v5"), "400"},
    {"form feed", length(" 5\f"), "400"},
    {"NUL", length(" 5\0"s), "400"},
    {"NUL before", length(" \0"s + "5"), "400"},
    {"no-break space",
     length(" \xa0"
            "5"),
     "400"},
    {"fullwidth digit", length(" \xef\xbc\x95"), "400"},
    {"Arabic digit", length(" \xd9\xa5"), "400"},
    {"folded", length("\r\n 5"), "400"},
    {"folded behind the value", length(" 5\r\n 6"), "400"},
    {"2^63", length(" 9223372036854775808"), "400"},
    {"2^64", length(" 18446744073709551616"), "400"},
    {"2^64 + 5 wraps to 5", length(" 18446744073709551621"), "400"},
    {"2^32 + 5 is not 5", length(" 4294967301"), "POST / [hello more"},
    {"2^63 - 1", length(" 9223372036854775807"), "POST / [hello more"},
    {"forty digits", length(" " + std::string(40, '9')), "400"},
    {"space before the colon, RFC 9112 §5.1", post("Content-Length : 5\r\n", "hello"), "400"},
    {"tab before the colon", post("Content-Length\t: 5\r\n", "hello"), "400"},
    {"space before the name", post(" Content-Length: 5\r\n", "hello"), "400"},
    {"space before the name, second line", post("A: b\r\n Content-Length: 5\r\n", "hello"), "400"},
    {"no colon", post("Content-Length 5\r\n", "hello"), "400"},
    {"two colons", post("Content-Length:: 5\r\n", "hello"), "400"},
    {"NUL in the name", post("Content\0-Length: 5\r\n"s, "hello"), "400"},
    {"control character before the name",
     post("\x01"
          "Content-Length: 5\r\n",
          "hello"),
     "400"},
    {"underscore is another field", post("Content_Length: 5\r\n", ""), "POST /"},
    {"another field that begins alike", post("Content-LengthX: 5\r\n", ""), "POST /"},
    {"another field that ends alike", post("X-Content-Length: 5\r\n", ""), "POST /"},
    {"bare LF behind it", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\n\r\nhello", "400"},
    {"bare CR behind it", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\rhello", "400"},
};

const std::vector<RequestCase> transfer_encodings_cases = {
    {"chunked", coding(" chunked"), "POST / [hello]"},
    {"no space", coding("chunked"), "POST / [hello]"},
    {"whitespace around", coding(" \t chunked \t"), "POST / [hello]"},
    {"codings are case-insensitive, RFC 9112 §7", coding(" Chunked"), "POST / [hello]"},
    {"capitals", coding(" CHUNKED"), "POST / [hello]"},
    {"name in capitals", post("TRANSFER-ENCODING: chunked\r\n", "0\r\n\r\n"), "POST / []"},
    {"GET", "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / []"},
    {"CL.TE, RFC 9112 §6.3", both("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400"},
    {"TE.CL", both("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "400"},
    {"CL.TE with zero", both("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "400"},
    {"CL.TE, far apart", both("Content-Length: 5\r\nA: b\r\nTransfer-Encoding: chunked\r\n"), "400"},
    {"CL with TE: identity", both("Content-Length: 5\r\nTransfer-Encoding: identity\r\n"), "400"},
    {"CL with an empty TE", both("Content-Length: 5\r\nTransfer-Encoding:\r\n"), "400"},
    {"TE and CL on HTTP/1.0",
     "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"TE on HTTP/1.0, RFC 9112 §6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"TE on HTTP/1.0 with keep-alive",
     "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"chunked twice in one line, RFC 9112 §6.1", coding(" chunked, chunked"), "400"},
    {"chunked twice in two lines", both("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     "400"},
    {"chunked, then identity", both("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), "400"},
    {"identity, then chunked", both("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), "400"},
    {"chunked, then nonsense", both("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), "400"},
    {"chunked, then nothing", both("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"), "400"},
    {"nothing, then chunked", both("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n"), "400"},
    {"chunked, identity in a list", coding(" chunked, identity"), "400"},
    {"identity, chunked in a list", coding(" identity, chunked"), "501"},
    {"gzip, chunked, RFC 9112 §6.1", coding(" gzip, chunked"), "501"},
    {"gzip,chunked", coding(" gzip,chunked"), "501"},
    {"deflate, gzip, chunked", coding(" deflate, gzip, chunked"), "501"},
    {"chunked, gzip", coding(" chunked, gzip"), "400"},
    {"gzip alone, RFC 9112 §6.3", coding(" gzip"), "400"},
    {"identity alone", coding(" identity"), "400"},
    {"unknown alone", coding(" x"), "400"},
    {"empty", coding(""), "400"},
    {"only whitespace", coding("  "), "400"},
    {"only a comma", coding(" ,"), "400"},
    {"leading comma", coding(" , chunked"), "400"},
    {"trailing comma", coding(" chunked,"), "400"},
    {"trailing comma and space", coding(" chunked, "), "400"},
    {"two commas", coding(" gzip,, chunked"), "400"},
    {"xchunked", coding(" xchunked"), "400"},
    {"chunkedx", coding(" chunkedx"), "400"},
    {"x-chunked", coding(" x-chunked"), "400"},
    {"chunke", coding(" chunke"), "400"},
    {"chunkeD\\x00", coding(" chunked\0"s), "400"},
    {"quoted", coding(" \"chunked\""), "400"},
    {"apostrophes", coding(" 'chunked'"), "400"},
    {"parameter", coding(" chunked;a=b"), "400"},
    {"semicolon", coding(" chunked;"), "400"},
    {"weight", coding(" chunked;q=1"), "400"},
    {"space inside", coding(" chun ked"), "400"},
    {"word before", coding(" x chunked"), "400"},
    {"word behind", coding(" chunked x"), "400"},
    {"colon before", coding(": chunked"), "400"},
    {"equals sign", coding(" =chunked"), "400"},
    {"brackets", coding(" [chunked]"), "400"},
    {"braces", coding(" {chunked}"), "400"},
    {"vertical tab before", coding(" \vchunked"), "400"},
    {"vertical tab behind", coding(" chunked\v"), "400"},
    {"form feed", coding(" \fchunked"), "400"},
    {"backspace", coding(" \bchunked"), "400"},
    {"NUL before", coding(" \0"s + "chunked"), "400"},
    {"DEL",
     coding(" \x7f"
            "chunked"),
     "400"},
    {"byte 0xff behind", coding(" chunked\xff"), "400"},
    {"no-break space",
     coding(" \xa0"
            "chunked"),
     "400"},
    {"long s, which folds to s", coding(" chun\xc4\xb0ked"), "400"},
    {"Kelvin sign, which folds to k",
     coding(" chun\xe2\x84\xaa"
            "ed"),
     "400"},
    {"folded, RFC 9112 §5.2", coding("\r\n chunked"), "400"},
    {"folded behind", coding(" chunked\r\n , identity"), "400"},
    {"folded with a tab", coding("\r\n\tchunked"), "400"},
    {"bare LF before", coding("\nchunked"), "400"},
    {"bare CR before", coding("\rchunked"), "400"},
    {"bare CR behind", coding(" chunked\r"), "400"},
    {"space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400"},
    {"tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), "400"},
    {"vertical tab before the colon", post("Transfer-Encoding\v: chunked\r\n", "0\r\n\r\n"), "400"},
    {"space before the name", post(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {"tab before the name", post("\tTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {"no colon", post("Transfer-Encoding chunked\r\n", "0\r\n\r\n"), "400"},
    {"no name", post(": chunked\r\n", "0\r\n\r\n"), "400"},
    {"underscore is another field", post("Transfer_Encoding: chunked\r\n", ""), "POST /"},
    {"dot is another field", post("Transfer.Encoding: chunked\r\n", ""), "POST /"},
    {"another field that begins alike", post("Transfer-Encoding2: chunked\r\n", ""), "POST /"},
    {"space in the name", post("Transfer Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {"line hidden behind a bare CR", post("A: b\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {"line hidden behind a bare LF", post("A: b\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
    {"in the request line", "POST / HTTP/1.1 Transfer-Encoding: chunked\r\nHost: h\r\n\r\n", "400"},
    {"line joined by NUL", post("A: b\0Transfer-Encoding: chunked\r\n"s, "0\r\n\r\n"), "400"},
    {"TE is another field, RFC 9110 §10.1.4", post("TE: chunked\r\n", ""), "POST /"},
    {"TE: trailers", get("TE: trailers\r\nConnection: TE\r\n"), "GET /"},
};

} // namespace

std::vector<RequestCase> content_lengths() {
    return content_lengths_cases;
}

std::vector<RequestCase> transfer_encodings() {
    return transfer_encodings_cases;
}

} // namespace headroom::net::corpus
