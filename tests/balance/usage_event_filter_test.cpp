// Which bytes of a stream pass the filter: checked against a reader of the whole text, at every split.
#include "balance/usage_event_filter.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using Fate = UsageEventFilter::Fate;

constexpr std::string_view usage_json =
    R"({"choices":[],"created":1,"id":"c","model":"m","object":"chat.completion.chunk","usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})";
constexpr std::string_view content_json =
    R"({"choices":[{"delta":{"content":"Hi \"usage\":{"},"index":0}],"created":1,"usage":null})";
constexpr std::string_view filter_json =
    R"({"choices":[],"id":"","prompt_filter_results":[{"prompt_index":0}]})";
constexpr std::string_view annotation_json =
    R"({"choices":[{"content_filter_offsets":{"check_offset":44},"index":0}],"id":""})";

std::string event(std::string_view data, std::string_view end = "\n") {
    return "data: " + std::string(data) + std::string(end) + std::string(end);
}

/// Feeds pieces and keeps what passes, as a relay does.
class Client {
  public:
    void feed(std::string_view piece) {
        // An exact heap block: AddressSanitizer sees a read beyond the piece.
        const std::string block(piece);
        std::string_view rest = block;
        while (!rest.empty()) {
            const UsageEventFilter::Run run = filter_.next(rest);
            ASSERT_GT(run.size, 0U);
            ASSERT_LE(run.size, rest.size());
            settle(run.fate, rest.substr(0, run.size));
            rest.remove_prefix(run.size);
        }
        longest_held_ = std::max(longest_held_, held_.size());
    }
    std::string finish() {
        settle(filter_.finish(), {});
        return passed_;
    }
    const std::string& passed() const { return passed_; }
    std::size_t held() const { return held_.size(); }
    std::size_t longest_held() const { return longest_held_; }

  private:
    void settle(Fate fate, std::string_view bytes) {
        if (fate == Fate::hold) {
            held_ += bytes;
            return;
        }
        if (fate == Fate::pass) (passed_ += held_) += bytes;
        held_.clear();
    }

    UsageEventFilter filter_;
    std::string held_;
    std::string passed_;
    std::size_t longest_held_ = 0;
};

std::string whole(std::string_view stream) {
    Client client;
    if (!stream.empty()) client.feed(stream);
    return client.finish();
}

/// What passes, after checking that no split changes it.
std::string filtered(std::string_view stream) {
    const std::string expected = whole(stream);
    for (std::size_t split = 1; split < stream.size(); ++split) {
        Client client;
        client.feed(stream.substr(0, split));
        client.feed(stream.substr(split));
        EXPECT_EQ(client.finish(), expected) << "split at " << split << " of " << stream;
    }
    Client bytes;
    for (std::size_t i = 0; i < stream.size(); ++i)
        bytes.feed(stream.substr(i, 1));
    EXPECT_EQ(bytes.finish(), expected) << stream;
    EXPECT_LE(bytes.longest_held(), UsageEventFilter::event_bytes_max);
    return expected;
}

void expect_hidden(std::string_view hidden) {
    const std::string before = event(filter_json) + event(content_json);
    const std::string after = event(annotation_json) + event("[DONE]");
    EXPECT_EQ(filtered(before + std::string(hidden) + after), before + after) << hidden;
}

void expect_kept(const std::string& stream) {
    EXPECT_EQ(filtered(stream), stream);
}

TEST(UsageEventFilter, HidesTheUsageEventAndNothingElse) {
    for (const std::string_view end : {"\n", "\r\n", "\r"}) {
        const std::string before = event(filter_json, end) + event(content_json, end);
        const std::string after = event("[DONE]", end);
        EXPECT_EQ(filtered(before + event(usage_json, end) + after), before + after);
    }
}

TEST(UsageEventFilter, HidesItHoweverItIsWritten) {
    expect_hidden("data:" + std::string(usage_json) + "\n\n");
    expect_hidden("id: 7\nevent: message\ndata: " + std::string(usage_json) + "\nretry: 5\n\n");
    expect_hidden(event(R"({"usage" : {}, "choices" : [ ] })"));
    expect_hidden(event(R"({"us\u0061ge":{"total_tokens":1},"choices":[]})"));
    expect_hidden(event(R"({"\u0075sage":{"total_tokens":1},"choices":[]})"));
    expect_hidden(event(R"({"choices":[],"error":null,"usage":{"total_tokens":1}})"));
    expect_hidden("data: {\"choices\":[],\ndata: \"usage\"\ndata: :{\"total_tokens\":1}}\n\n");
    expect_hidden("data: {\"choices\":[],\r\n: a comment inside\r\ndata: \"usage\":{}}\r\n\r\n");
    expect_hidden("data: {\"choices\":[],\"usage\":{}}\n\r\n");
    expect_hidden(event(usage_json) + event(usage_json));
}

TEST(UsageEventFilter, KeepsEventsThatOnlyLookLikeIt) {
    for (const std::string_view data :
         {R"({"choices":[],"usage":null})",
          R"({"choices":[{}],"usage":{}})",
          R"({"choices":[0],"usage":{}})",
          R"({"choices":null,"usage":{}})",
          R"({"choices":{},"usage":{}})",
          R"({"usage":{}})",
          R"({"choices":[]})",
          R"({"choices":[],"usage":[]})",
          R"({"choices":[],"usage":1})",
          R"([{"choices":[],"usage":{}}])",
          R"({"x":{"choices":[],"usage":{}}})",
          R"({"choices":[],"usage":{}} x)",
          R"({"choices":[],"usage":{})",
          R"({"choices":[],"usage":{}}})",
          R"({"choices":[1],"choices":[],"usage":{}})",
          R"({"choices":[],"usage":{},"usage":null})",
          R"({"choices":[],"usage":{},"error":{"code":"x"}})",
          R"("usage")",
          "usage",
          "[DONE]",
          "",
          R"({"type":"response.completed","response":{"usage":{"total_tokens":1},"choices":[]}})"}) {
        expect_kept(event(data) + event("[DONE]"));
    }
    expect_kept("dat: " + std::string(usage_json) + "\n\n");
    expect_kept(": " + std::string(usage_json) + "\n\n");
    expect_kept("data\n\n\n\ndata\n\n");
    expect_kept("\r\r\n\n\r\r");
}

TEST(UsageEventFilter, KeepsCommentsAndEmptyLinesAroundIt) {
    const std::string usage = event(usage_json);
    EXPECT_EQ(filtered(": ping\n\n" + usage + ": ping\n\n"), ": ping\n\n: ping\n\n");
    EXPECT_EQ(filtered(": ping\n" + usage + "\n\n" + event("[DONE]")), ": ping\n\n\n" + event("[DONE]"));
    EXPECT_EQ(filtered("\r\n: a\r: b\r\n" + usage), "\r\n: a\r: b\r\n");
}

TEST(UsageEventFilter, AnEventWithoutItsEndIsJudgedWhenTheStreamEnds) {
    EXPECT_EQ(filtered(event(content_json) + "data: " + std::string(usage_json)), event(content_json));
    EXPECT_EQ(filtered(event(content_json) + "data: " + std::string(usage_json) + "\n"), event(content_json));
    expect_kept(event(content_json) + "data: " + std::string(usage_json.substr(0, usage_json.size() - 1)));
    expect_kept("data: {\"choices\":[]");
    expect_kept("da");
}

TEST(UsageEventFilter, DelaysNoEventThatIsWholeAndNoneThatCannotBeIt) {
    Client client;
    const auto passes = [&](std::string_view piece) {
        const std::size_t before = client.passed().size();
        client.feed(piece);
        return client.passed().size() - before;
    };
    EXPECT_EQ(passes(event(content_json)), event(content_json).size());
    EXPECT_EQ(passes(": ping\n"), 7U);
    EXPECT_EQ(passes("\n"), 1U);
    EXPECT_EQ(passes(": pi"), 4U);
    EXPECT_EQ(passes("ng\n\n"), 4U);
    EXPECT_EQ(passes(event(content_json) + event(filter_json)),
              event(content_json).size() + event(filter_json).size());
    EXPECT_EQ(passes("data: {\"id\":\"x\",\"choices\":["), 0U);
    EXPECT_EQ(passes("{"), std::string_view("data: {\"id\":\"x\",\"choices\":[{").size())
        << "a choice: not it";
    EXPECT_EQ(passes("\"delta\":{\"content\":\"wo"), 22U);
    EXPECT_EQ(passes("rd\"}}]}\n"), 8U);
    EXPECT_EQ(passes("\n"), 1U);
    EXPECT_EQ(passes("data: ["), 7U);
    EXPECT_EQ(passes("DONE]\n\n"), 7U);
    EXPECT_EQ(client.held(), 0U);
}

TEST(UsageEventFilter, NeverHoldsMoreThanItsBound) {
    const std::string pad(UsageEventFilter::event_bytes_max, ' ');
    expect_kept(event("{\"choices\":[],\"usage\":{}," + pad + "\"x\":1}"));
    Client client;
    for (std::size_t i = 0; i < 3 * UsageEventFilter::event_bytes_max; ++i)
        client.feed("i");
    EXPECT_EQ(client.held(), 0U);
    EXPECT_LE(client.longest_held(), UsageEventFilter::event_bytes_max);
    Client line;
    line.feed("data: {");
    for (std::size_t i = 0; i < UsageEventFilter::event_bytes_max; ++i)
        line.feed(" ");
    EXPECT_EQ(line.held(), 0U);
}

/// Reads the whole text line by line and each event with simdjson.
std::string reference(const std::string& stream) {
    std::string passed;
    std::string event_text;
    std::string data;
    bool begun = false;
    bool has_data = false;
    const auto is_usage = [&] {
        simdjson::dom::parser parser;
        simdjson::dom::object root;
        if (parser.parse(data).get(root) != simdjson::SUCCESS) return false;
        bool choices = false;
        bool usage = false;
        for (const auto member : root) {
            if (member.key == "choices") {
                simdjson::dom::array list;
                if (member.value.get(list) != simdjson::SUCCESS || list.size() != 0) return false;
                choices = true;
            } else if (member.key == "usage") {
                if (!member.value.is_object()) return false;
                usage = true;
            } else if (member.key == "error" && !member.value.is_null()) {
                return false;
            }
        }
        return choices && usage && event_text.size() <= UsageEventFilter::event_bytes_max;
    };
    const auto end_event = [&](std::string_view half) {
        const bool hidden = begun && is_usage();
        if (!hidden) (passed += event_text) += half;
        event_text.clear(), data.clear();
        begun = has_data = false;
    };
    std::size_t at = 0;
    while (at < stream.size()) {
        const std::size_t stop = std::min(stream.find_first_of("\r\n", at), stream.size());
        const std::string_view line(stream.data() + at, stop - at);
        const bool crlf = stop + 1 < stream.size() && stream[stop] == '\r' && stream[stop + 1] == '\n';
        const std::size_t end = std::min(stream.size(), stop + (stop < stream.size() ? 1 : 0));
        const std::string_view half = crlf ? "\n" : "";
        event_text.append(stream, at, end - at);
        at = end + half.size();
        if (line.empty() || (!begun && line.starts_with(':'))) {
            if (line.empty() && stop == stream.size()) break;
            end_event(half);
            continue;
        }
        begun = true;
        event_text += half;
        if (!line.starts_with("data:")) continue;
        data += (has_data ? "\n" : "") + std::string(line.substr(line.starts_with("data: ") ? 6 : 5));
        has_data = true;
    }
    end_event("");
    return passed;
}

TEST(UsageEventFilter, MatchesAReaderOfTheWholeOnRandomStreams) {
    std::size_t hidden = 0;
    for (const std::uint64_t seed : seeds(400)) {
        Random random(seed);
        std::string stream;
        const std::string_view ends[] = {"\n", "\n", "\r\n", "\r"};
        const std::string_view parts[] = {usage_json,
                                          usage_json,
                                          content_json,
                                          filter_json,
                                          annotation_json,
                                          "[DONE]",
                                          R"({"choices":[],"usage":null})",
                                          R"({"usage":{"a":[]},"choices":[]})",
                                          R"({"choices":[ ],"usage":{ }})",
                                          R"({"choices":[],"us\u0061ge":{}})",
                                          "{\"a\":\"\\u4e2d\"}",
                                          "\"",
                                          "{",
                                          ""};
        const std::string_view prefixes[] = {"data: ", "data: ",  "data: ", "data:", ": ",
                                             "id: ",   "event: ", "",       "datax:"};
        for (std::uint64_t lines = 1 + random.below(14); lines > 0; --lines) {
            stream += random.pick(prefixes);
            std::string text(random.pick(parts));
            // Escapes stay: JsonScan does not check them, simdjson does.
            const bool damaged = random.chance(15) && !text.empty() && text.find('\\') == text.npos;
            if (damaged) text[random.below(text.size())] = random.pick("\"{}[]:,un \r\n");
            stream += text;
            const std::string_view end = random.pick(ends);
            stream += end;
            if (random.chance(80)) stream += random.chance(90) ? end : random.pick(ends);
        }
        const std::string expected = reference(stream);
        hidden += expected.size() != stream.size() ? 1U : 0U;
        ASSERT_EQ(filtered(stream), expected) << seed_note(seed);
    }
    if (std::getenv("HEADROOM_SEED") == nullptr) {
        EXPECT_GT(hidden, 100U);
    }
}

} // namespace
} // namespace headroom::balance
