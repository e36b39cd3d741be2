// Request targets (RFC 9112 §3.2, RFC 3986).
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

std::string target(std::string_view text) {
    return line("GET " + std::string(text) + " HTTP/1.1");
}

std::string options(std::string_view text) {
    return line("OPTIONS " + std::string(text) + " HTTP/1.1");
}

const std::vector<RequestCase> target_cases = {
    {"path and query", target("/a/b?c=d&e=f"), "GET /a/b?c=d&e=f"},
    {"empty query", target("/a?"), "GET /a?"},
    {"question mark in the query, RFC 3986 §3.4", target("/a?b?c"), "GET /a?b?c"},
    {"slash in the query", target("/?a/b"), "GET /?a/b"},
    {"all pchar, RFC 3986 §3.3", target("/-._~!$&'()*+,;=:@"), "GET /-._~!$&'()*+,;=:@"},
    {"escapes", target("/%41%2f%20?%3f"), "GET /%41%2f%20?%3f"},
    {"escaped NUL is still an escape", target("/%00"), "GET /%00"},
    {"double slash", target("//a"), "GET //a"},
    {"dot segments stay as they are", target("/a/../b"), "GET /a/../b"},
    {"brackets in a query, as clients send arrays", target("/?a[]=1"), "GET /?a[]=1"},
    {"brackets in a path", target("/a[1]"), "400"},
    {"colon in the path", target("/v1/x:y"), "GET /v1/x:y"},
    {"fragment, RFC 9112 §3.2", target("/a#b"), "400"},
    {"fragment in the query", target("/a?b#c"), "400"},
    {"escape cut short, RFC 3986 §2.1", target("/%4"), "400"},
    {"escape without digits", target("/%"), "400"},
    {"escape that is not hex", target("/%zz"), "400"},
    {"escape in unicode style", target("/%u0041"), "400"},
    {"broken escape in the query", target("/?a=%4"), "400"},
    {"quote", target("/\"a\""), "400"},
    {"angle brackets", target("/<a>"), "400"},
    {"backslash", target("/a\\b"), "400"},
    {"caret", target("/a^b"), "400"},
    {"backtick", target("/a`b"), "400"},
    {"braces", target("/{a}"), "400"},
    {"bar", target("/a|b"), "400"},
    {"bar in the query", target("/?a|b"), "400"},
    {"braces in the query", target("/?{a}"), "400"},
    {"NUL", target("/a\0b"s), "400"},
    {"DEL", target("/a\x7f"), "400"},
    {"control character", target("/a\x01"), "400"},
    {"raw UTF-8", target("/\xc3\xa9"), "400"},
    {"byte 0xff", target("/\xff"), "400"},
    {"non-ASCII in the query", target("/?\xc3\xa9"), "400"},
    {"relative path", target("a/b"), "400"},
    {"query only", target("?a=b"), "400"},
    {"host name alone", target("example.com"), "400"},
    {"authority-form is for CONNECT, RFC 9112 §3.2.3", target("example.com:80"), "400"},
    {"asterisk is for OPTIONS, RFC 9112 §3.2.4", target("*"), "400"},
    {"OPTIONS *", options("*"), "OPTIONS *"},
    {"OPTIONS **", options("**"), "400"},
    {"OPTIONS */a", options("*/a"), "400"},
    {"OPTIONS with absolute-form and no path, RFC 9112 §3.2.4", options("http://h"), "OPTIONS * @h"},
    {"OPTIONS with absolute-form and a path", options("http://h/"), "OPTIONS / @h"},
    {"OPTIONS with absolute-form and a query", options("http://h?a"), "OPTIONS /?a @h"},
    {"absolute-form must be accepted, RFC 9112 §3.2.2", target("http://h/a?b"), "GET /a?b @h"},
    {"absolute-form without path", target("http://h"), "GET / @h"},
    {"absolute-form with query only", target("http://h?a"), "GET /?a @h"},
    {"https", target("https://h/a"), "GET /a @h"},
    {"scheme in capitals, RFC 3986 §3.1", target("HTTP://h/a"), "GET /a @h"},
    {"port", target("http://h:8080/a"), "GET /a @h:8080"},
    {"empty port, RFC 3986 §3.2.3", target("http://h:/a"), "GET /a @h:"},
    {"the target's authority has precedence over Host, RFC 9112 §3.2.2", target("http://other/a"),
     "GET /a @other"},
    {"IPv6", target("http://[::1]:80/a"), "GET /a @[::1]:80"},
    {"IPv6 unclosed", target("http://[::1/a"), "400"},
    {"IPv6 broken", target("http://[::1::]/a"), "400"},
    {"empty host, RFC 9110 §4.2.1", target("http:///a"), "400"},
    {"no host at all", target("http://"), "400"},
    {"port only", target("http://:80/"), "400"},
    {"user information, RFC 9110 §4.2.4", target("http://u:p@h/a"), "400"},
    {"user without password", target("http://u@h/a"), "400"},
    {"port with letters", target("http://h:8a/"), "400"},
    {"port out of range", target("http://h:65536/"), "400"},
    {"one slash", target("http:/h/a"), "400"},
    {"no slashes", target("http:h"), "400"},
    {"backslashes", target("http:\\\\h/a"), "400"},
    {"other scheme", target("ftp://h/a"), "400"},
    {"ws scheme", target("ws://h/a"), "400"},
    {"file scheme", target("file:///etc/passwd"), "400"},
    {"scheme only", target("http"), "400"},
    {"gopher", target("gopher://h/_x"), "400"},
    {"fragment in absolute-form", target("http://h/a#b"), "400"},
    {"fragment for a path", target("http://h#b"), "400"},
    {"absolute-form without Host on HTTP/1.1", "GET http://h/ HTTP/1.1\r\n\r\n", "400"},
    {"absolute-form without Host on HTTP/1.0", "GET http://h/ HTTP/1.0\r\n\r\n", "GET / @h close"},
    {"absolute-form with an empty Host", "GET http://h/ HTTP/1.1\r\nHost:\r\n\r\n", "400"},
    {"absolute-form with a broken Host", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
    {"long path", target("/" + std::string(8000, 'a')), "GET /" + std::string(8000, 'a')},
    {"too long, RFC 9110 §15.5.15", target("/" + std::string(20000, 'a')), "414"},
    {"far too long", "GET /" + std::string(100000, 'a'), "414"},
};

std::string host(std::string_view value) {
    return "GET / HTTP/1.1\r\nHost:" + std::string(value) + "\r\n\r\n";
}

const std::vector<RequestCase> host_cases = {
    {"name", host(" example.com"), "GET / @example.com"},
    {"name and port", host(" example.com:8080"), "GET / @example.com:8080"},
    {"no space", host("example.com"), "GET / @example.com"},
    {"whitespace around", host(" \t example.com \t "), "GET / @example.com"},
    {"capitals", host(" EXAMPLE.com"), "GET / @EXAMPLE.com"},
    {"underscore", host(" a_b"), "GET / @a_b"},
    {"trailing dot", host(" example.com."), "GET / @example.com."},
    {"IPv4", host(" 127.0.0.1:80"), "GET / @127.0.0.1:80"},
    {"IPv6", host(" [::1]"), "GET / @[::1]"},
    {"IPv6 and port", host(" [2001:db8::1]:443"), "GET / @[2001:db8::1]:443"},
    {"escaped byte in a reg-name, RFC 3986 §3.2.2", host(" a%20b"), "GET / @a%20b"},
    {"empty port", host(" h:"), "GET / @h:"},
    {"none, RFC 9112 §3.2", "GET / HTTP/1.1\r\n\r\n", "400"},
    {"two, RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"two that are equal", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
    {"two with other spelling", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", "400"},
    {"two on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"two, far apart", "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nHost: a\r\n\r\n", "400"},
    {"Host on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET / @a close"},
    {"broken Host on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"},
    {"empty, RFC 9110 §4.2.1", host(""), "400"},
    {"only whitespace", host("  "), "400"},
    {"list", host(" a, b"), "400"},
    {"list without space", host(" a,b"), "400"},
    {"space inside", host(" a b"), "400"},
    {"tab inside", host(" a\tb"), "400"},
    {"user information", host(" u@h"), "400"},
    {"user and password", host(" u:p@h"), "400"},
    {"URL", host(" http://h"), "400"},
    {"path", host(" h/a"), "400"},
    {"query", host(" h?a"), "400"},
    {"fragment", host(" h#a"), "400"},
    {"backslash", host(" h\\a"), "400"},
    {"quotes", host(" \"h\""), "400"},
    {"angle brackets", host(" <h>"), "400"},
    {"braces", host(" {h}"), "400"},
    {"bar", host(" a|b"), "400"},
    {"caret", host(" a^b"), "400"},
    {"port only", host(" :80"), "400"},
    {"two ports", host(" h:80:90"), "400"},
    {"port with letters", host(" h:80a"), "400"},
    {"negative port", host(" h:-80"), "400"},
    {"signed port", host(" h:+80"), "400"},
    {"port out of range", host(" h:65536"), "400"},
    {"port far out of range", host(" h:4294967376"), "400"},
    {"port with many zeros", host(" h:000080"), "400"},
    {"IPv6 bare", host(" ::1"), "400"},
    {"IPv6 unclosed", host(" [::1"), "400"},
    {"IPv6 unopened", host(" ::1]"), "400"},
    {"IPv6 empty", host(" []"), "400"},
    {"IPv6 with something behind", host(" [::1]a"), "400"},
    {"IPv6 with a zone", host(" [fe80::1%eth0]"), "400"},
    {"IPv6 with too many groups", host(" [1:2:3:4:5:6:7:8:9]"), "400"},
    {"brackets around a name", host(" [h]"), "400"},
    {"broken escape", host(" a%2"), "400"},
    {"escape that is not hex", host(" a%zz"), "400"},
    {"NUL", host(" a\0b"s), "400"},
    {"control character", host(" a\x01"), "400"},
    {"DEL", host(" a\x7f"), "400"},
    {"non-ASCII", host(" \xc3\xa9.com"), "400"},
    {"folded, RFC 9112 §5.2", host(" a\r\n b"), "400"},
    {"space before the colon, RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
    {"very long", host(" " + std::string(2000, 'a')), "400"},
};

} // namespace

std::vector<RequestCase> targets() {
    return target_cases;
}

std::vector<RequestCase> hosts() {
    return host_cases;
}

} // namespace headroom::net::corpus
