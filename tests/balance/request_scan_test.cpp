// RequestScan against simdjson's tree on random documents, whole and split at every position.
#include "balance/request_facts.hpp"
#include "tests/balance/random_json.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <optional>
#include <string>

namespace headroom::balance {
namespace {

using simdjson::dom::element;

/// What a reader of the whole tree finds.
struct Expected {
    std::string model;
    std::size_t models = 0;
    bool stream = false;
    bool include_usage = false;
    bool has_stream_options = false;
    std::optional<bool> store;
    bool may_act = false;
    std::optional<std::int64_t> max_tokens;
    std::optional<std::int64_t> n;
    std::size_t numbers = 0;
};

std::optional<std::int64_t> count_of(element value) {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS || number < 0) return std::nullopt;
    return static_cast<std::int64_t>(std::min(number, 0x1p40));
}

std::size_t numbers_below(element value) {
    std::size_t count = 0;
    if (value.is_array()) {
        for (const element child : simdjson::dom::array(value))
            count += numbers_below(child) + (child.is_number() ? 1U : 0U);
    } else if (value.is_object()) {
        for (const auto child : simdjson::dom::object(value)) {
            count += numbers_below(child.value) + (child.value.is_number() ? 1U : 0U);
        }
    }
    return count;
}

void read_stream_options(element value, Expected& expected) {
    expected.has_stream_options = value.is_object();
    expected.include_usage = false;
    if (!value.is_object()) return;
    for (const auto member : simdjson::dom::object(value)) {
        bool on = false;
        if (member.key == "include_usage")
            expected.include_usage = member.value.get(on) == simdjson::SUCCESS && on;
    }
}

Expected expected_of(simdjson::dom::object root) {
    Expected expected;
    for (const auto member : root) {
        const element value = member.value;
        bool on = false;
        expected.numbers += numbers_below(value);
        if (member.key == "model") {
            std::string_view text;
            const bool is_string = value.get(text) == simdjson::SUCCESS;
            expected.model =
                is_string && text.size() <= RequestFacts::model_bytes_max ? text : std::string_view();
            expected.models += is_string ? 1U : 0U;
        } else if (member.key == "stream") {
            expected.stream = value.get(on) == simdjson::SUCCESS && on;
        } else if (member.key == "store") {
            expected.store = value.get(on) == simdjson::SUCCESS ? std::optional(on) : std::nullopt;
        } else if (member.key == "tools" || member.key == "prompt" || member.key == "background" ||
                   member.key == "conversation") {
            expected.may_act = expected.may_act || !value.is_null();
        } else if (member.key == "max_tokens") {
            expected.max_tokens = count_of(value);
        } else if (member.key == "n") {
            expected.n = count_of(value);
        } else if (member.key == "stream_options") {
            read_stream_options(value, expected);
        }
    }
    return expected;
}

void expect_matches(const RequestFacts& facts, const Expected& expected, std::string_view body) {
    EXPECT_EQ(facts.stream, expected.stream) << body;
    EXPECT_EQ(facts.include_usage, expected.include_usage) << body;
    EXPECT_EQ(facts.stream_options.has_value(), expected.has_stream_options) << body;
    EXPECT_EQ(facts.store, expected.store) << body;
    EXPECT_EQ(facts.may_act, expected.may_act) << body;
    EXPECT_EQ(facts.max_tokens, expected.max_tokens) << body;
    EXPECT_EQ(facts.n, expected.n) << body;
    EXPECT_EQ(facts.numbers, expected.numbers) << body;
    EXPECT_EQ(facts.model_count, std::min(expected.models, RequestFacts::models_max)) << body;
    // A name longer than what is captured raw is not decoded, even if it would decode to a short one.
    if (!facts.model().empty()) {
        EXPECT_EQ(facts.model(), expected.model) << body;
    }
    for (const ByteRange& at : facts.model_ranges()) {
        EXPECT_EQ(body[at.begin], '"') << body;
        EXPECT_EQ(body[at.end - 1], '"') << body;
    }
}

bool same(const RequestFacts& a, const RequestFacts& b) {
    return a.valid == b.valid && a.object == b.object && a.model() == b.model() &&
           a.model_count == b.model_count && a.model_at == b.model_at && a.stream == b.stream &&
           a.include_usage == b.include_usage && a.stream_options == b.stream_options &&
           a.usage_wish == b.usage_wish && a.store == b.store && a.may_act == b.may_act &&
           a.max_tokens == b.max_tokens && a.max_completion_tokens == b.max_completion_tokens &&
           a.max_output_tokens == b.max_output_tokens && a.n == b.n && a.best_of == b.best_of &&
           a.previous_response_hash == b.previous_response_hash &&
           a.prompt_cache_hash == b.prompt_cache_hash && a.text_bytes == b.text_bytes &&
           a.media_bytes == b.media_bytes && a.media_count == b.media_count && a.numbers == b.numbers &&
           a.body_bytes == b.body_bytes;
}

RequestFacts scan(std::string_view body) {
    RequestScan request;
    request.feed(body);
    return request.finish();
}

void expect_any_split_the_same(std::string_view body, const RequestFacts& whole) {
    for (std::size_t split = 0; split <= body.size(); ++split) {
        // Exact heap blocks: AddressSanitizer sees a read beyond a piece.
        const std::string first(body.substr(0, split));
        const std::string second(body.substr(split));
        RequestScan request;
        request.feed(first);
        request.feed(second);
        ASSERT_TRUE(same(request.finish(), whole)) << "split at " << split << " of " << body;
    }
}

TEST(RequestScan, AgreesWithSimdjsonOnValidDocuments) {
    simdjson::dom::parser parser;
    for (const std::uint64_t seed : seeds(2000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::string body = RandomJson(random).request();
        simdjson::dom::object root;
        ASSERT_EQ(parser.parse(body).get(root), simdjson::SUCCESS) << body;
        const Expected expected = expected_of(root);
        const RequestFacts facts = scan(body);
        EXPECT_EQ(facts.valid, expected.models <= RequestFacts::models_max) << body;
        expect_matches(facts, expected, body);
        if (seed % 8 == 0) expect_any_split_the_same(body, facts);
        if (HasFailure()) return;
    }
}

TEST(RequestScan, AgreesWithSimdjsonAboutWhatIsInvalid) {
    simdjson::dom::parser parser;
    std::size_t invalid = 0;
    for (const std::uint64_t seed : seeds(4000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::string body = RandomJson(random).damaged();
        simdjson::dom::object root;
        const simdjson::error_code error = parser.parse(body).get(root);
        const RequestFacts facts = scan(body);
        invalid += facts.valid ? 0U : 1U;
        // Inside strings we check less: neither UTF-8 nor escapes. Numbers that do not fit are still numbers.
        const bool lenient = error == simdjson::STRING_ERROR || error == simdjson::UTF8_ERROR ||
                             error == simdjson::NUMBER_ERROR;
        if (error == simdjson::SUCCESS) {
            const Expected expected = expected_of(root);
            EXPECT_EQ(facts.valid, expected.models <= RequestFacts::models_max) << body;
            expect_matches(facts, expected, body);
        } else if (!lenient) {
            EXPECT_FALSE(facts.valid) << simdjson::error_message(error) << ": " << body;
        }
        if (seed % 16 == 0) expect_any_split_the_same(body, facts);
        if (HasFailure()) return;
    }
    EXPECT_GT(invalid, 0U);
}

TEST(RequestScan, ManySmallPiecesAreTheSame) {
    for (const std::uint64_t seed : seeds(200)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::string body =
            random.chance(50) ? RandomJson(random).request() : RandomJson(random).damaged();
        RequestScan request;
        for (std::size_t at = 0; at < body.size();) {
            const std::string piece = body.substr(at, random.below(9));
            request.feed(piece);
            at += piece.size();
        }
        ASSERT_TRUE(same(request.finish(), scan(body))) << body;
    }
}

} // namespace
} // namespace headroom::balance
