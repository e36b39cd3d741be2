// Names, lists and syntax of fields; methods.
#include "net/http/field.hpp"
#include "net/http/field_table.hpp"
#include "net/http/method.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::net {
namespace {

TEST(HttpField, NamesAreFoundInAnyCase) {
    EXPECT_EQ(field_id("host"), FieldId::host);
    EXPECT_EQ(field_id("Host"), FieldId::host);
    EXPECT_EQ(field_id("CONTENT-LENGTH"), FieldId::content_length);
    EXPECT_EQ(field_id("Transfer-Encoding"), FieldId::transfer_encoding);
    EXPECT_EQ(field_id("te"), FieldId::te);
    EXPECT_EQ(field_id("x-MS-client-request-ID"), FieldId::x_ms_client_request_id);
    EXPECT_EQ(field_id("Sec-WebSocket-Protocol"), FieldId::sec_websocket_protocol);
}

TEST(HttpField, NamesThatAreOnlySimilarAreOther) {
    for (const char* name :
         {"", "h", "hos", "hosts", "h0st", "content_length", "content-lengt", "content-length-", "tE ",
          "transfer-encodinG2", "xhost", "\x48ost\x80", "x-ms-client-request-id-and-more"}) {
        EXPECT_EQ(field_id(name), FieldId::other) << name;
    }
}

TEST(HttpField, EveryKnownNameDiffersInEveryCharacter) {
    for (const std::string_view known :
         {"te", "via", "host", "expect", "api-key", "keep-alive", "content-length", "transfer-encoding",
          "proxy-authorization", "x-ms-client-request-id"}) {
        EXPECT_NE(field_id(known), FieldId::other) << known;
        for (std::size_t at = 0; at < known.size(); ++at) {
            std::string name(known);
            name[at] = name[at] == 'q' ? 'z' : 'q';
            EXPECT_EQ(field_id(name), FieldId::other) << name;
        }
    }
}

TEST(HttpField, RateLimitFieldsGoByTheirPrefix) {
    EXPECT_EQ(field_id("x-ratelimit-remaining-requests"), FieldId::x_ratelimit);
    EXPECT_EQ(field_id("X-RateLimit-Limit-Requests"), FieldId::x_ratelimit);
    EXPECT_EQ(field_id("x-rate-limit-reset"), FieldId::x_ratelimit);
    EXPECT_EQ(field_id("x-ratelimit-"), FieldId::other);
    EXPECT_EQ(field_id("x-ratelimits"), FieldId::other);
}

TEST(HttpField, HopByHop) {
    for (const char* name :
         {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
          "HTTP2-Settings", "Proxy-Authorization", "Proxy-Authenticate"}) {
        EXPECT_TRUE(is_hop_by_hop(field_id(name))) << name;
    }
    for (const char* name : {"Host", "Content-Length", "Authorization", "Date", "Via", "Expect", "X-Other"}) {
        EXPECT_FALSE(is_hop_by_hop(field_id(name))) << name;
    }
}

TEST(HttpField, SameNameFoldsLettersOnly) {
    EXPECT_TRUE(same_name("aBc-1", "AbC-1"));
    EXPECT_FALSE(same_name("a", "ab"));
    EXPECT_FALSE(same_name("@", "`")); // differ by the bit that tells the case of letters
    EXPECT_FALSE(same_name("[", "{"));
    EXPECT_FALSE(same_name("-", "\r"));
    EXPECT_TRUE(same_name("", ""));
}

TEST(HttpField, NamesAndValuesHaveTheirSyntax) {
    EXPECT_TRUE(is_name("X-a_b.c!#$%&'*+^`|~9"));
    for (const char* name : {"", "a b", "a:", "a\t", "a\r", "(a)", "a/b", "\xc3\xa9", "a\x7f"})
        EXPECT_FALSE(is_name(name)) << name;
    EXPECT_TRUE(is_field_value(""));
    EXPECT_TRUE(is_field_value("a \t b\xff"));
    for (const std::string& value : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3),
                                     std::string("\x1b"), std::string("\x7f")}) {
        EXPECT_FALSE(is_field_value(value));
    }
}

std::vector<std::string> elements(std::string_view list) {
    std::vector<std::string> all;
    for (std::string_view one = next_list_element(list); !one.empty(); one = next_list_element(list))
        all.emplace_back(one);
    return all;
}

TEST(HttpField, ListsSkipEmptyElements) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(elements("a, b ,c"), (Words{"a", "b", "c"}));
    EXPECT_EQ(elements(" ,, a\t,\t, "), (Words{"a"}));
    EXPECT_EQ(elements("a b"), (Words{"a b"}));
    EXPECT_EQ(elements(""), Words{});
    EXPECT_EQ(elements(" , ,"), Words{});
}

TEST(HttpField, TableStopsAtItsBound) {
    FieldTable table;
    constexpr std::size_t most = 40; // behind the first growth
    for (std::size_t i = 0; i < most; ++i) {
        FieldEntry* place = table.next(most);
        ASSERT_NE(place, nullptr);
        place->name_offset = static_cast<std::uint32_t>(i);
        EXPECT_EQ(table.size(), i); // not counted yet
        table.add();
    }
    EXPECT_EQ(table.next(most), nullptr);
    ASSERT_EQ(table.size(), most);
    for (std::size_t i = 0; i < most; ++i)
        EXPECT_EQ(table[i].name_offset, i);
    table.clear();
    EXPECT_EQ(table.size(), 0U);
    EXPECT_NE(table.next(1), nullptr);
}

TEST(HttpMethod, NamesAreCaseSensitive) {
    for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                                Method::delete_, Method::options}) {
        EXPECT_EQ(method_from(name_of(method)), method);
    }
    for (const char* name : {"", "get", "GETS", "CONNECT", "TRACE", "PROPFIND"})
        EXPECT_EQ(method_from(name), std::nullopt);
}

} // namespace
} // namespace headroom::net
