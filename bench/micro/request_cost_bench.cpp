// What knowing a request's cost adds to parsing it: new and remembered text, bodies of 1 to 500 KB.
// Every iteration parses the same body with simdjson alone too (all strings unescaped), so that a noisy
// machine disturbs both; beyond_us is the difference.
#include "balance/prompt/budgeted_counter.hpp"
#include "balance/prompt/message_memo.hpp"
#include "balance/prompt/prompt_reader.hpp"
#include "balance/prompt/request_cost.hpp"

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::balance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t body_bytes_max = 1 << 20;
constexpr std::string_view model = "gpt-4o";

/// Words in random order with a comma here and a line end there.
std::string prose(std::size_t bytes, std::uint64_t& random) {
    constexpr std::string_view words[] = {
        "the",      "request", "of",       "a",       "client",       "is",       "answered",    "by",
        "backend",  "when",    "its",      "quota",   "allows",       "it",       "otherwise",   "another",
        "one",      "takes",   "over",     "and",     "nobody",       "notices",  "except",      "for",
        "some",     "latency", "measured", "in",      "milliseconds", "because",  "connections", "are",
        "kept",     "open",    "Azure",    "regions", "differ",       "from",     "each",        "other",
        "with",     "respect", "to",       "models",  "versions",     "capacity", "so",          "that",
        "choosing", "well",    "matters",  "more",    "than",         "retrying", "often",       "which"};
    std::string text;
    while (text.size() < bytes) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        text += words[(random >> 33) % std::size(words)];
        const std::uint64_t end = random >> 57;
        text += end < 6 ? ", " : end < 10 ? ".\\n" : " ";
    }
    text.resize(bytes);
    if (text.ends_with('\\')) text.back() = ' ';
    return text;
}

/// A body and room for simdjson behind it.
struct Body {
    /// A chat with messages of 4 KB.
    Body(std::size_t bytes, std::uint64_t seed) {
        text = R"({"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"You help."})";
        while (text.size() + 60 < bytes) {
            text += R"(,{"role":"user","content":")";
            text += prose(std::min<std::size_t>(4096, bytes - std::min(bytes, text.size() + 5)), seed);
            text += R"("})";
        }
        text += "]}";
        pad();
    }

    /// An agent's request: many functions and one short message.
    static Body of_tools(std::size_t functions) {
        Body body;
        body.text = R"({"model":"gpt-4o","messages":[{"role":"user","content":"Do it."}],"tools":[)";
        std::uint64_t seed = 1;
        for (std::size_t i = 0; i < functions; ++i) {
            body.text += i == 0 ? "" : ",";
            body.text += R"({"type":"function","function":{"name":"tool_)" + std::to_string(i) +
                         R"(","description":")" + prose(200, seed) +
                         R"(","parameters":{"type":"object","properties":{)";
            for (int j = 0; j < 5; ++j) {
                body.text += j == 0 ? "" : ",";
                body.text += R"("argument_)" + std::to_string(j) + R"(":{"type":"string","description":")" +
                             prose(60, seed) + R"("})";
            }
            body.text += R"(},"required":["argument_0"]}}})";
        }
        body.text += "]}";
        body.pad();
        return body;
    }

    [[nodiscard]] std::string_view view() const { return std::string_view(text).substr(0, size); }

    std::string text;
    std::size_t size = 0;

  private:
    Body() = default;

    void pad() {
        size = text.size();
        text.append(simdjson::SIMDJSON_PADDING, ' ');
    }
};

void take_strings(simdjson::ondemand::value value, std::size_t& bytes) {
    simdjson::ondemand::object object;
    simdjson::ondemand::array array;
    std::string_view text;
    switch (value.type().value_unsafe()) {
        case simdjson::ondemand::json_type::object:
            if (value.get_object().get(object) != 0) return;
            for (auto field : object)
                take_strings(field.value().value_unsafe(), bytes);
            return;
        case simdjson::ondemand::json_type::array:
            if (value.get_array().get(array) != 0) return;
            for (auto element : array)
                take_strings(element.value_unsafe(), bytes);
            return;
        case simdjson::ondemand::json_type::string:
            if (value.get_string().get(text) == 0) bytes += text.size();
            return;
        default: return;
    }
}

/// What a proxy pays anyway that reads bodies with simdjson.
std::size_t parse_alone(simdjson::ondemand::parser& parser, const Body& body) {
    std::size_t bytes = 0;
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const simdjson::padded_string_view padded(body.view(), body.text.size());
    if (parser.iterate(padded).get(document) != 0 || document.get_object().get(object) != 0) return 0;
    for (auto field : object)
        take_strings(field.value().value_unsafe(), bytes);
    return bytes;
}

struct Shard {
    Shard() { static_cast<void>(parser.allocate(body_bytes_max)); }

    PromptParts read(const Body& body, TextCounting& counting) {
        const std::string_view pieces[] = {body.view()};
        return reader.read({pieces, simdjson::SIMDJSON_PADDING}, Operation::chat, model, rules, counting);
    }

    Vocabulary vocabulary;
    TokenCounter counter{vocabulary, Encoding::o200k_base};
    MessageMemo memo{{}, 1};
    PromptReader reader{body_bytes_max, {}};
    simdjson::ondemand::parser parser;
    ModelRules rules = rules_of_model(model);
};

Shard& shard() {
    static Shard one;
    return one;
}

class NoCounter final : public TextCounting {
  public:
    CountedText count(std::string_view text) noexcept override { return {text.size() / 4, true}; }
};

template <class Read>
void compare(benchmark::State& state, const Body& body, Read read) {
    if (parse_alone(shard().parser, body) * 2 < body.size) return state.SkipWithError("not parsed");
    Clock::duration parse_time{};
    Clock::duration read_time{};
    auto parse_least = Clock::duration::max();
    auto read_least = Clock::duration::max();
    for (auto _ : state) {
        const auto begin = Clock::now();
        benchmark::DoNotOptimize(parse_alone(shard().parser, body));
        const auto middle = Clock::now();
        benchmark::DoNotOptimize(read(body));
        const auto end = Clock::now();
        parse_time += middle - begin;
        read_time += end - middle;
        parse_least = std::min(parse_least, middle - begin);
        read_least = std::min(read_least, end - middle);
        state.SetIterationTime(std::chrono::duration<double>(end - middle).count());
    }
    const auto microseconds = [](Clock::duration time) {
        return std::chrono::duration<double, std::micro>(time).count();
    };
    state.counters["parse_us"] = microseconds(parse_least);
    state.counters["beyond_us"] = microseconds(read_least) - microseconds(parse_least);
    state.counters["ratio"] = microseconds(read_time) / microseconds(parse_time);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size));
}

Body chat_of(const benchmark::State& state) {
    return {static_cast<std::size_t>(state.range(0)) << 10, 1};
}

void request_cost_walk(benchmark::State& state) {
    compare(state, chat_of(state), [](const Body& body) {
        NoCounter counting;
        return shard().read(body, counting).sum().tokens;
    });
}

/// Texts that no memo knows, of words that the counter has met.
void request_cost_new_text(benchmark::State& state) {
    compare(state, chat_of(state), [](const Body& body) {
        BudgetedCounter counting(shard().counter, Encoding::o200k_base, 1);
        return shard().read(body, counting).sum().tokens;
    });
}

void request_cost_remembered_text(benchmark::State& state) {
    compare(state, chat_of(state), [](const Body& body) {
        BudgetedCounter exact(shard().counter, Encoding::o200k_base, 1);
        RememberingCounter counting(shard().memo, exact, 0);
        return shard().read(body, counting).sum().tokens;
    });
}

/// An agent's tools, which are the same with every request.
void request_cost_tools(benchmark::State& state) {
    compare(state, Body::of_tools(static_cast<std::size_t>(state.range(0))), [](const Body& body) {
        BudgetedCounter exact(shard().counter, Encoding::o200k_base, 1);
        RememberingCounter counting(shard().memo, exact, 0);
        return shard().read(body, counting).sum().tokens;
    });
}
BENCHMARK(request_cost_tools)->UseManualTime()->Arg(5)->Arg(50);

#define HEADROOM_BODY_SIZES UseManualTime()->Arg(1)->Arg(10)->Arg(100)->Arg(500)
BENCHMARK(request_cost_walk)->HEADROOM_BODY_SIZES;
BENCHMARK(request_cost_new_text)->HEADROOM_BODY_SIZES;
BENCHMARK(request_cost_remembered_text)->HEADROOM_BODY_SIZES;
#undef HEADROOM_BODY_SIZES

void keyed_digest(benchmark::State& state, DigestMethod method) {
    const KeyedDigest digest({}, method);
    const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state)
        benchmark::DoNotOptimize(digest.of(text, 0));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(keyed_digest, best, best_digest())->Arg(128)->Arg(4 << 10)->Arg(64 << 10);
BENCHMARK_CAPTURE(keyed_digest, siphash, DigestMethod::siphash)->Arg(128)->Arg(4 << 10);

void request_cost_learned(benchmark::State& state) {
    auto overheads = std::make_unique<Overheads>();
    auto forecast = std::make_unique<OutputForecast>();
    PromptParts parts;
    parts.read = true;
    RequestFacts facts;
    facts.valid = true;
    std::uint64_t random = 1;
    for (auto _ : state) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        parts.of(PromptPart::text).tokens = (random >> 40) & 0xfff;
        const RequestCost cost =
            request_cost(facts, Operation::chat, parts, random >> 62, *overheads, *forecast);
        const Usage usage{cost.prompt + Tokens(1), Tokens(200), cost.prompt + Tokens(201), {}, {}};
        learn(cost, usage, *overheads, *forecast);
        benchmark::DoNotOptimize(cost.output);
    }
}
BENCHMARK(request_cost_learned);

} // namespace
} // namespace headroom::balance
