// Status lines, interim responses and fields of responses (RFC 9112 §4, RFC 9110 §15.2).
#include "tests/net/http_corpus/corpus.hpp"

namespace headroom::net::corpus {

using namespace std::string_literals;

namespace {

/// A response of no length with that status line.
std::string status(std::string_view text) {
    return std::string(text) + "\r\nContent-Length: 0\r\n\r\n";
}

std::string interim(std::string_view text) {
    return std::string(text) + "\r\n\r\n";
}

ResponseCase websocket(std::string why, std::string_view fields, std::string expected) {
    return {std::move(why), "HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\nraw",
            std::move(expected), Method::get, "websocket"};
}

const std::vector<ResponseCase> accepted_status_lines = {
    {"plain", status("HTTP/1.1 200 OK"), "200 OK []"},
    {"reason of several words", status("HTTP/1.1 404 Not Found"), "404 Not Found []"},
    {"empty reason, RFC 9112 §4", status("HTTP/1.1 200 "), "200 []"},
    {"no reason and no space", status("HTTP/1.1 200"), "200 []"},
    {"odd reason", status("HTTP/1.1 200 !\"#$%&'()*+,-./:;<=>?@[]"), "200 !\"#$%&'()*+,-./:;<=>?@[] []"},
    {"reason with obs-text", status("HTTP/1.1 200 \xc3\xa9"), "200 \xc3\xa9 []"},
    {"reason with a tab", status("HTTP/1.1 200 a\tb"), "200 a\tb []"},
    {"HTTP/1.0", status("HTTP/1.0 200 OK"), "200 OK [] close"},
    {"599 is the last", status("HTTP/1.1 599 X"), "599 X []"},
    {"unknown status of a known class", status("HTTP/1.1 299 X"), "299 X []"},
    {"205", status("HTTP/1.1 205 Reset Content"), "205 Reset Content []"},
    {"long reason", status("HTTP/1.1 200 " + std::string(2000, 'a')),
     "200 " + std::string(2000, 'a') + " []"},
    {"HTTP/0.9: no head at all", "<html></html>", "502"},
    {"nothing", "", "cut"},
    {"cut in the status line", "HTTP/1.1 20", "502"},
    {"cut behind the status line", "HTTP/1.1 200 OK\r\n", "502"},
    {"cut in a field", "HTTP/1.1 200 OK\r\nContent-Le", "502"},
    {"cut before the last LF", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r", "502"},
    {"a request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "502"},
};

const std::string refused_status_lines[] = {"HTTP/2 200 OK",
                                            "HTTP/2.0 200 OK",
                                            "HTTP/1.2 200 OK",
                                            "HTTP/1 200 OK",
                                            "HTTP/0.9 200 OK",
                                            "HTTP/3 200 OK",
                                            "HTTP/1.10 200 OK",
                                            "HTTP/01.1 200 OK",
                                            "HTTP/11.1 200 OK",
                                            "HTTP/1.1x 200 OK",
                                            "http/1.1 200 OK",
                                            "Http/1.1 200 OK",
                                            "HTTPS/1.1 200 OK",
                                            "ICY 200 OK",
                                            "SIP/2.0 200 OK",
                                            "RTSP/1.0 200 OK",
                                            "HTTP/+1.1 200 OK",
                                            "HTTP/1,1 200 OK",
                                            "HTTP /1.1 200 OK",
                                            "HTTP/ 1.1 200 OK",
                                            "HTTP/1.1",
                                            "HTTP/1.1 ",
                                            "HTTP/1.1 OK",
                                            "HTTP/1.1  200 OK",
                                            "HTTP/1.1\t200 OK",
                                            "HTTP/1.1 200\tOK",
                                            " HTTP/1.1 200 OK",
                                            "HTTP/1.1200 OK",
                                            "HTTP/1.1 20 OK",
                                            "HTTP/1.1 2 OK",
                                            "HTTP/1.1 2000 OK",
                                            "HTTP/1.1 0200 OK",
                                            "HTTP/1.1 200OK",
                                            "HTTP/1.1 20O OK",
                                            "HTTP/1.1 2x0 OK",
                                            "HTTP/1.1 +20 OK",
                                            "HTTP/1.1 -20 OK",
                                            "HTTP/1.1 -200 OK",
                                            "HTTP/1.1 0x2 OK",
                                            "HTTP/1.1 2.0 OK",
                                            "HTTP/1.1 20 0 OK",
                                            "HTTP/1.1 000 OK",
                                            "HTTP/1.1 001 OK",
                                            "HTTP/1.1 099 OK",
                                            "HTTP/1.1 600 OK",
                                            "HTTP/1.1 666 OK",
                                            "HTTP/1.1 999 OK",
                                            "HTTP/1.1 200,OK",
                                            "HTTP/1.1 200-OK",
                                            "HTTP/1.1 200.1 OK",
                                            "HTTP/1.1 \"200\" OK",
                                            "HTTP/1.1 200 O\0K"s,
                                            "HTTP/1.1 200\0OK"s,
                                            "HTTP/1.1 2\0000 OK"s,
                                            "HTTP/1.1 200 O\x01K",
                                            "HTTP/1.1 200 O\x7fK",
                                            "HTTP/1.1 200 O\rK",
                                            "HTTP/1.1 200 O\vK",
                                            "HTTP/1.1 200 OK\r",
                                            "\0HTTP/1.1 200 OK"s,
                                            "\xef\xbb\xbfHTTP/1.1 200 OK",
                                            "HTTP/1.1 \xef\xbc\x92\xef\xbc\x90\xef\xbc\x90 OK",
                                            "HTTP/1.1:200 OK",
                                            "X\r\nHTTP/1.1 200 OK",
                                            "\r\nHTTP/1.1 200 OK",
                                            "\nHTTP/1.1 200 OK",
                                            "200 OK",
                                            "Status: 200 OK",
                                            "HTTP/1.1 200 OK\nA: b",
                                            "HTTP/1.1 200 " + std::string(20000, 'a')};

const std::string refused_fields[] = {"A : b\r\n",
                                      "A\t: b\r\n",
                                      ": b\r\n",
                                      ":\r\n",
                                      "A\r\n",
                                      "A b\r\n",
                                      "A B: c\r\n",
                                      " A: b\r\n",
                                      "A: b\r\n c\r\n",
                                      "A: b\r\n\tc\r\n",
                                      "A:\r\n b\r\n",
                                      "A: b\r\n \r\n",
                                      "A: b\0c\r\n"s,
                                      "A\0: b\r\n"s,
                                      "A: b\x01\r\n",
                                      "A: b\x7f\r\n",
                                      "A: b\rc\r\n",
                                      "A: b\r\r\n",
                                      "A: b\nC: d\r\n",
                                      "A: b\n",
                                      "\xc3\xa9: b\r\n",
                                      "A[]: b\r\n",
                                      "A/B: c\r\n",
                                      "\"A\": b\r\n",
                                      "A(b): c\r\n",
                                      "Connection: " + std::string(200, ',') +
                                          [] {
                                              std::string options;
                                              for (int i = 0; i < 100; ++i)
                                                  options += "a,";
                                              return options + "\r\n";
                                          }(),
                                      "A: " + std::string(70000, 'b') + "\r\n",
                                      [] {
                                          std::string lines;
                                          for (int i = 0; i < 200; ++i)
                                              lines += "A: b\r\n";
                                          return lines;
                                      }()};

} // namespace

std::vector<ResponseCase> status_lines() {
    std::vector<ResponseCase> cases = accepted_status_lines;
    for (const std::string& text : refused_status_lines)
        cases.push_back({"refused: " + text.substr(0, 40), status(text), "502"});
    return cases;
}

std::vector<ResponseCase> interim_responses() {
    const std::string final = status("HTTP/1.1 200 OK");
    const std::string hundred = interim("HTTP/1.1 100 Continue");
    std::string sixteen;
    std::string sixteen_shown;
    for (int i = 0; i < 16; ++i) {
        sixteen += hundred;
        sixteen_shown += "100 Continue; ";
    }
    return {
        {"100 first, RFC 9110 §15.2", hundred + final, "100 Continue; 200 OK []"},
        {"102", interim("HTTP/1.1 102 Processing") + final, "102 Processing; 200 OK []"},
        {"103 with fields, RFC 8297", interim("HTTP/1.1 103 Early Hints\r\nLink: </a>") + final,
         "103 Early Hints; 200 OK []"},
        {"unknown 1xx", interim("HTTP/1.1 199 X") + final, "199 X; 200 OK []"},
        {"several kinds", hundred + interim("HTTP/1.1 103 Early Hints") + final,
         "100 Continue; 103 Early Hints; 200 OK []"},
        {"sixteen", sixteen + final, sixteen_shown + "200 OK []"},
        {"seventeen", sixteen + hundred + final, sixteen_shown + "502"},
        {"endless",
         [&] {
             std::string all;
             for (int i = 0; i < 1000; ++i)
                 all += hundred;
             return all;
         }(),
         sixteen_shown + "502"},
        {"no final one", hundred, "100 Continue; cut"},
        {"final one cut", hundred + "HTTP/1.1 200", "100 Continue; 502"},
        {"its Content-Length means nothing, RFC 9110 §8.6",
         interim("HTTP/1.1 100 Continue\r\nContent-Length: 5") + final, "100 Continue; 200 OK []"},
        {"a body is nonsense", interim("HTTP/1.1 100 Continue\r\nContent-Length: 5") + "hello" + final,
         "100 Continue; 502"},
        {"its Transfer-Encoding means nothing",
         interim("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked") + final, "100 Continue; 200 OK []"},
        {"chunks behind it",
         interim("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked") + "0\r\n\r\n" + final,
         "100 Continue; 502"},
        {"an empty line behind it", hundred + "\r\n" + final, "100 Continue; 502"},
        {"too large", interim("HTTP/1.1 103 X\r\nA: " + std::string(70000, 'b')) + final, "502"},
        {"for HEAD", hundred + final, "100 Continue; 200 OK length=0", Method::head},
        {"before a body that ends with the connection", hundred + ok("", "hello"),
         "100 Continue; 200 OK [hello] close"},
    };
}

std::vector<ResponseCase> switched_protocols() {
    const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    return {
        {"101 that nobody asked for, RFC 9110 §7.8",
         interim("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket"), "502"},
        {"101 to h2c that nobody asked for", interim("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c"),
         "502"},
        websocket("101 as asked", upgrade, "101 Switching Protocols upgrade=websocket tunnel[raw]"),
        websocket("101 in other case", "connection: a, UPGRADE\r\nUPGRADE: WebSocket\r\n",
                  "101 Switching Protocols upgrade=WebSocket tunnel[raw]"),
        websocket("101 to something else", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "502"),
        websocket("101 to several", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", "502"),
        websocket("101 with two Upgrade fields", upgrade + "Upgrade: websocket\r\n", "502"),
        websocket("101 without Upgrade", "Connection: Upgrade\r\n", "502"),
        websocket("101 without Connection", "Upgrade: websocket\r\n", "502"),
        websocket("101 with a length is a tunnel all the same", upgrade + "Content-Length: 0\r\n",
                  "101 Switching Protocols upgrade=websocket tunnel[raw]"),
        {"101 on HTTP/1.0", interim("HTTP/1.0 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket"), "502",
         Method::get, "websocket"},
        {"100, then 101", interim("HTTP/1.1 100 Continue") + "HTTP/1.1 101 X\r\n" + upgrade + "\r\nraw",
         "100 Continue; 101 X upgrade=websocket tunnel[raw]", Method::get, "websocket"},
        {"upgrade refused", status("HTTP/1.1 200 OK"), "200 OK []", Method::get, "websocket"},
    };
}

std::vector<ResponseCase> response_fields() {
    const auto with = [](std::string_view lines) {
        return ok(std::string(lines) + "Content-Length: 0\r\n", "");
    };
    std::vector<ResponseCase> cases = {
        {"several", with("A: b\r\nC: d\r\n"), "200 OK []"},
        {"empty value", with("A:\r\n"), "200 OK []"},
        {"obs-text in a value", with("A: \x80\xff\r\n"), "200 OK []"},
        {"several Set-Cookie", with("Set-Cookie: a\r\nSet-Cookie: b\r\n"), "200 OK []"},
        {"close", with("Connection: close\r\n"), "200 OK [] close"},
        {"close in a list", with("Connection: a, close\r\n"), "200 OK [] close"},
        {"1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
         "200 OK []"},
        {"120 fields", with([] {
             std::string lines;
             for (int i = 0; i < 120; ++i)
                 lines += "A: b\r\n";
             return lines;
         }()),
         "200 OK []"},
        {"field of 30,000 bytes", with("A: " + std::string(30000, 'b') + "\r\n"), "200 OK []"},
    };
    for (const std::string& text : refused_fields)
        cases.push_back({"refused: " + text.substr(0, 30), with(text), "502"});
    return cases;
}

} // namespace headroom::net::corpus
