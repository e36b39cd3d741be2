// Edits that ask for usage: the wish is in the body afterwards and nothing else has changed, by simdjson's
// reading.
#include "balance/usage_edit.hpp"

#include "balance/usage_refusals.hpp"
#include "tests/balance/random_json.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace headroom::balance {
namespace {

RequestFacts scan(std::string_view body) {
    RequestScan request;
    request.feed(body);
    return request.finish();
}

/// The edited body, or empty when there is no edit.
std::string edited(std::string_view body) {
    const auto edit = usage_edit(scan(body));
    if (!edit) return {};
    std::string text(body.substr(0, edit->range.begin));
    text += edit->text;
    text += body.substr(edit->range.end);
    return text;
}

/// Every member of the body but stream_options, and every member of that but include_usage, minified.
std::string rest_of(std::string_view body) {
    simdjson::dom::parser parser;
    simdjson::dom::object root;
    EXPECT_EQ(parser.parse(body.data(), body.size()).get(root), simdjson::SUCCESS) << body;
    std::string rest;
    for (const auto member : root) {
        simdjson::dom::object options;
        if (member.key != "stream_options") {
            rest += std::string(member.key) + ":" + std::string(simdjson::minify(member.value)) + ";";
        } else if (member.value.get(options) == simdjson::SUCCESS) {
            for (const auto option : options) {
                if (option.key == "include_usage") continue;
                rest += std::string(option.key) + "=" + std::string(simdjson::minify(option.value)) + ";";
            }
        }
    }
    return rest;
}

TEST(UsageEdit, AddsTheWishHoweverItIsMissing) {
    EXPECT_EQ(edited(R"({"stream":true})"), R"({"stream_options":{"include_usage":true},"stream":true})");
    EXPECT_EQ(edited(" {\n\"stream\":true}"),
              " {\"stream_options\":{\"include_usage\":true},\n\"stream\":true}");
    EXPECT_EQ(edited("\xef\xbb\xbf{\"stream\":true}"),
              "\xef\xbb\xbf{\"stream_options\":{\"include_usage\":true},\"stream\":true}");
    EXPECT_EQ(edited(R"({"stream":true,"stream_options":{}})"),
              R"({"stream":true,"stream_options":{"include_usage":true}})");
    EXPECT_EQ(edited(R"({"stream":true,"stream_options": { } })"),
              R"({"stream":true,"stream_options": {"include_usage":true} })");
    EXPECT_EQ(edited(R"({"stream":true,"stream_options":null})"),
              R"({"stream":true,"stream_options":{"include_usage":true}})");
    EXPECT_EQ(edited(R"({"stream":true,"stream_options":{"include_usage":false}})"),
              R"({"stream":true,"stream_options":{"include_usage":true}})");
    EXPECT_EQ(edited(R"({"stream_options":{"include_usage" : null},"stream":true})"),
              R"({"stream_options":{"include_usage" : true},"stream":true})");
    EXPECT_EQ(edited(R"({"stream_options":{ "other":1},"stream":true})"),
              R"({"stream_options":{"include_usage":true, "other":1},"stream":true})");
    EXPECT_EQ(edited(R"({"stream_options":{"other":{"include_usage":true}},"stream":true})"),
              R"({"stream_options":{"include_usage":true,"other":{"include_usage":true}},"stream":true})");
    EXPECT_EQ(edited(R"({"stream\u005foptions":{"includ\u0065_usage":false},"stream":true})"),
              R"({"stream\u005foptions":{"includ\u0065_usage":true},"stream":true})");
}

TEST(UsageEdit, LeavesAloneWhatNeedsNoneOrCouldBeReadInTwoWays) {
    for (const std::string_view body :
         {"",
          "[]",
          R"({"stream":false})",
          R"({"model":"m"})",
          R"({"stream":true)",
          R"({"stream":true}})",
          R"({"stream":"true"})",
          R"({"stream":1})",
          R"({"a":{"stream":true}})",
          R"({"stream":true,"stream_options":{"include_usage":true}})",
          R"({"stream":true,"stream_options":{"include_usage":"yes"}})",
          R"({"stream":true,"stream_options":{"include_usage":{}}})",
          R"({"stream":true,"stream_options":{"include_usage":[]}})",
          R"({"stream":true,"stream_options":{"include_usage":0}})",
          R"({"stream":true,"stream_options":{"include_usage":true,"include_usage":false}})",
          R"({"stream":true,"stream_options":"x"})",
          R"({"stream":true,"stream_options":[]})",
          R"({"stream":true,"stream_options":false})",
          R"({"stream":true,"stream_options":{},"stream_options":{}})",
          R"({"stream":true,"stream_options":{"include_usage":true},"stream_options":null})",
          R"({"stream":false,"stream":true})"}) {
        EXPECT_EQ(edited(body), "") << body;
    }
}

TEST(UsageEdit, ChangesNothingElseInRandomBodies) {
    std::size_t edits = 0;
    for (const std::uint64_t seed : seeds(3000)) {
        Random random(seed);
        std::string body = RandomJson(random).request();
        // Most random bodies ask for no stream.
        const std::size_t brace = body.find('{');
        if (random.chance(70) && body.find("\"stream\"") == body.npos && body.find(':') != body.npos) {
            body.insert(brace + 1, "\"stream\":true,");
        }
        const std::string after = edited(body);
        if (after.empty()) continue;
        ++edits;
        const RequestFacts facts = scan(after);
        EXPECT_TRUE(facts.valid && facts.stream && facts.include_usage) << body << seed_note(seed);
        EXPECT_EQ(rest_of(after), rest_of(body)) << seed_note(seed);
        EXPECT_EQ(edited(after), "") << seed_note(seed);
    }
    if (std::getenv("HEADROOM_SEED") == nullptr) {
        EXPECT_GT(edits, 300U);
    }
}

TEST(UsageEdit, KnowsARefusal) {
    EXPECT_TRUE(refuses_usage(
        400, R"({"error":{"message":"Unrecognized request argument supplied: stream_options"}})"));
    EXPECT_TRUE(
        refuses_usage(422, R"({"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]})"));
    EXPECT_TRUE(refuses_usage(400, R"({"error":{"message":"Unknown parameter: 'include_usage'."}})"));
    EXPECT_FALSE(refuses_usage(400, R"({"error":{"code":"content_filter"}})"));
    EXPECT_FALSE(refuses_usage(429, "stream_options"));
    EXPECT_FALSE(refuses_usage(200, "stream_options"));
    EXPECT_FALSE(refuses_usage(400, ""));
}

TEST(UsageRefusals, RemembersForAnHour) {
    const Time start{std::chrono::hours(5)};
    UsageRefusals refusals;
    EXPECT_FALSE(refusals.known(0, start));
    EXPECT_FALSE(refusals.known(7, start));
    refusals.note(7, start);
    EXPECT_TRUE(refusals.known(7, start + std::chrono::minutes(59)));
    EXPECT_FALSE(refusals.known(7, start + std::chrono::minutes(60)));
    EXPECT_FALSE(refusals.known(7 + UsageRefusals::entries, start));
    refusals.note(7 + UsageRefusals::entries, start);
    EXPECT_FALSE(refusals.known(7, start)) << "crowded out";
    EXPECT_TRUE(refusals.known(7 + UsageRefusals::entries, start));
}

} // namespace
} // namespace headroom::balance
