// The id that a response is continued by, in whole answers and in streams, at every split.
#include "balance/response_id.hpp"

#include "balance/request_facts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

std::uint64_t hash_in(std::string_view body, std::size_t split) {
    ResponseId id;
    id.feed(body.substr(0, split));
    id.feed(body.substr(split));
    return id.hash();
}

std::uint64_t hash_asked_for(std::string_view id) {
    RequestScan scan;
    scan.feed(R"({"model":"m","previous_response_id":")" + std::string(id) + "\"}");
    return scan.finish().previous_response_hash;
}

TEST(ResponseId, IsTheOneThatALaterRequestNames) {
    const std::string whole = R"({ "id" : "resp_68af01", "object": "response", "output": [{"id":"msg_1"}]})";
    const std::string stream =
        "event: response.created\ndata: "
        R"({"type":"response.created","response":{"id":"resp_68af01","status":"in_progress"}})"
        "\n\n";
    for (const std::string& body : {whole, stream}) {
        for (std::size_t split = 0; split <= body.size(); ++split)
            ASSERT_EQ(hash_in(body, split), hash_asked_for("resp_68af01")) << body << " at " << split;
    }
    EXPECT_NE(hash_asked_for("resp_68af01"), hash_asked_for("resp_68af02"));
}

TEST(ResponseId, IsNoOtherId) {
    EXPECT_EQ(hash_in(R"({"id":"chatcmpl-1","object":"chat.completion"})", 3), 0U);
    EXPECT_EQ(hash_in(R"({"text":"\"id\":\"resp_1\""})", 5), 0U);
    EXPECT_EQ(hash_in(R"({"id":"resp_cut)", 5), 0U);
    EXPECT_EQ(hash_in(R"({"id":12})", 5), 0U);
    EXPECT_EQ(hash_in("", 0), 0U);
    const std::string late = std::string(ResponseId::looked_at_bytes, ' ') + R"({"id":"resp_1"})";
    EXPECT_EQ(hash_in(late, 7), 0U);
}

} // namespace
} // namespace headroom::balance
