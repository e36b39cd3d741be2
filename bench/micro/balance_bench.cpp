// What a request pays to the balancer: choosing and settling, reading its body, metering its response.
#include "balance/balancer.hpp"
#include "balance/object_ids.hpp"
#include "balance/request_facts.hpp"
#include "balance/stream_events.hpp"
#include "balance/stream_text.hpp"
#include "balance/string_skip.hpp"
#include "balance/usage_event_filter.hpp"
#include "balance/usage_meter.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

constexpr Time start_time{std::chrono::hours(1)};

std::vector<BackendSpec> backends(std::size_t count) {
    std::vector<BackendSpec> specs(count);
    for (std::size_t i = 0; i < count; ++i) {
        specs[i].name = "backend" + std::to_string(i);
        specs[i].tpm = Tokens(std::int64_t{1} << 40);
        specs[i].rpm = 2'000'000'000;
        specs[i].overrides.push_back({"gpt-4o", Tokens(0), 0});
    }
    return specs;
}

/// One request's whole account: choose and reserve, the answer, its headers, its usage.
void serve(Fleet& fleet, const SlotKey& key, std::uint64_t random, Time now) {
    Demand demand;
    demand.deployments = {&key, 1};
    demand.cost = Tokens(1500);
    demand.prompt = Tokens(500);
    demand.random = random;
    Choice choice = Balancer().choose(fleet, demand, now);
    choice.lease.success(now);
    choice.lease.observe({}, now);
    choice.lease.settle({Tokens(500), Tokens(200), Tokens(700), Tokens(0), Tokens(0)}, now);
    benchmark::DoNotOptimize(choice);
}

void balance_choose_reserve_settle(benchmark::State& state) {
    static std::unique_ptr<Fleet> fleet;
    if (state.thread_index() == 0)
        fleet = std::make_unique<Fleet>(backends(static_cast<std::size_t>(state.range(0))));
    std::uint64_t random = static_cast<std::uint64_t>(state.thread_index());
    std::int64_t requests = 0;
    for (auto _ : state) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        // A second passes every 8,192 requests, so that retiring buckets is part of the price.
        const Time now = start_time + std::chrono::milliseconds(requests++ * 8);
        const SlotKey key = fleet->key("gpt-4o");
        serve(*fleet, key, random, now);
    }
}
BENCHMARK(balance_choose_reserve_settle)->Arg(3)->Arg(8)->Arg(32);
BENCHMARK(balance_choose_reserve_settle)->Arg(8)->Threads(2)->UseRealTime();

/// Backends that count max_tokens only, in fixed minutes, and say so in their headers.
class TellingBackends {
  public:
    /// Two thirds of the quotas are in use.
    explicit TellingBackends(std::size_t count)
        : limit_(8'500'000 / static_cast<std::int64_t>(count)), fleet(specs(count, limit_)), used_(count) {}

    /// One request's whole account, as `serve`, with a quota whose rule is learned.
    void serve(std::uint64_t random, Time now) {
        if (const auto minute = now.time_since_epoch() / std::chrono::minutes(1); minute != minute_) {
            minute_ = minute;
            std::ranges::fill(used_, 0);
        }
        const std::int64_t cap = 500 + static_cast<std::int64_t>(random >> 54);
        const ChargeBasis basis = ChargeBasis::of(Tokens(500), Tokens(500 + cap));
        const SlotKey key = fleet.key("gpt-4o");
        Demand demand;
        demand.deployments = {&key, 1};
        demand.cost = Tokens(500 + cap);
        demand.prompt = Tokens(500);
        demand.basis = &basis;
        demand.random = random;
        Choice choice = Balancer().choose(fleet, demand, now);
        RateLimits limits;
        limits.limit_tokens = limit_;
        limits.remaining_tokens = limit_ - (used_[choice.backend] += cap);
        choice.lease.success(now);
        choice.lease.observe(limits, now);
        choice.lease.settle({Tokens(500), Tokens(200), Tokens(700), Tokens(0), Tokens(0)}, now);
    }

  private:
    static std::vector<BackendSpec> specs(std::size_t count, std::int64_t limit) {
        std::vector<BackendSpec> specs = backends(count);
        for (BackendSpec& spec : specs)
            spec.tpm = Tokens(limit);
        return specs;
    }

    std::int64_t limit_;

  public:
    Fleet fleet;

  private:
    std::vector<std::int64_t> used_;
    std::int64_t minute_ = 0;
};

void balance_choose_reserve_settle_learned(benchmark::State& state) {
    TellingBackends backends(static_cast<std::size_t>(state.range(0)));
    std::uint64_t random = 0;
    std::int64_t requests = 0;
    const auto next = [&] {
        random = random * 6364136223846793005U + 1442695040888963407U;
        backends.serve(random, start_time + std::chrono::milliseconds(requests++ / 8));
    };
    while (requests < 5'000 * state.range(0)) // by now the rules of all are learned
        next();
    for (auto _ : state)
        next();
    const std::vector<SlotView> views = backends.fleet.snapshot(start_time);
    const bool learned = std::ranges::any_of(views, [](const SlotView& view) {
        return view.model.learned && view.model.rule == ChargeRule::cap_only;
    });
    if (!learned) state.SkipWithError("the rule was not learned");
}
BENCHMARK(balance_choose_reserve_settle_learned)->Arg(3)->Arg(8)->Arg(32);

std::string chat_body(std::size_t bytes, std::string_view text) {
    std::string body =
        R"({"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."})";
    while (body.size() + 120 < bytes) {
        const std::size_t room = std::min<std::size_t>(bytes - body.size() - 100, 1200);
        std::string content;
        while (content.size() < room)
            content += text;
        content.resize(room);
        if (content.ends_with('\\')) content.back() = ' ';
        body += R"(,{"role":"user","content":")" + content + R"("})";
    }
    return body +
           R"(],"max_tokens":256,"temperature":0.7,"stream":true,"stream_options":{"include_usage":true}})";
}

void scan(benchmark::State& state, const std::string& body) {
    for (auto _ : state) {
        RequestScan request;
        request.feed(body);
        benchmark::DoNotOptimize(request.finish().valid);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

void request_scan_prose(benchmark::State& state) {
    scan(state, chat_body(static_cast<std::size_t>(state.range(0)),
                          "The quick brown fox jumps over the lazy dog, twice. "));
}
BENCHMARK(request_scan_prose)->Arg(300)->Arg(2 << 10)->Arg(64 << 10);

void request_scan_code(benchmark::State& state) {
    scan(state, chat_body(static_cast<std::size_t>(state.range(0)),
                          R"(for (auto& x : xs) {\n\tout << \"x\" << x;\n}\n)"));
}
BENCHMARK(request_scan_code)->Arg(2 << 10)->Arg(64 << 10);

class NoIds final : public IdSink {
  public:
    void on_id(std::uint64_t id) noexcept override { benchmark::DoNotOptimize(id); }
};

/// What a second backend costs a body that names no stored object: one more look, beside `scan`.
void object_ids(benchmark::State& state, std::string_view text) {
    const std::string body = chat_body(static_cast<std::size_t>(state.range(0)), text);
    NoIds none;
    for (auto _ : state) {
        ObjectIdScan ids(IdMembers::files | IdMembers::responses, 1);
        ids.feed(body, none);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

void object_ids_prose(benchmark::State& state) {
    object_ids(state, "The quick brown fox jumps over the lazy dog, twice. ");
}
BENCHMARK(object_ids_prose)->Arg(300)->Arg(2 << 10)->Arg(64 << 10);

void object_ids_code(benchmark::State& state) {
    object_ids(state, R"(for (auto& x : xs) {\n\tout << \"x\" << x;\n}\n)");
}
BENCHMARK(object_ids_code)->Arg(2 << 10)->Arg(64 << 10);

void request_scan_one_string(benchmark::State& state) {
    scan(state, R"({"model":"gpt-4o","input":")" +
                    std::string(static_cast<std::size_t>(state.range(0)), 'x') + R"("})");
}
BENCHMARK(request_scan_one_string)->Arg(64 << 10);

void request_scan_receive_buffers(benchmark::State& state) {
    const std::string body = chat_body(64 << 10, "The quick brown fox jumps over the lazy dog, twice. ");
    for (auto _ : state) {
        RequestScan request;
        for (std::size_t at = 0; at < body.size(); at += 4096)
            request.feed(std::string_view(body).substr(at, 4096));
        benchmark::DoNotOptimize(request.finish().valid);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(request_scan_receive_buffers);

constexpr std::string_view chunk =
    R"(data: {"id":"chatcmpl-AbC123","object":"chat.completion.chunk","created":1720000000,"model":"gpt-4o-2024-08-06",)"
    R"("system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}],"usage":null})"
    "\n\n";

void usage_meter_chunk(benchmark::State& state) {
    UsageMeter meter(UsageMeter::Kind::sse);
    for (auto _ : state) {
        meter.feed(chunk);
        benchmark::DoNotOptimize(meter);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(chunk.size()));
}
BENCHMARK(usage_meter_chunk);

void usage_event_filter_chunk(benchmark::State& state) {
    UsageEventFilter filter;
    for (auto _ : state) {
        const UsageEventFilter::Run run = filter.next(chunk);
        benchmark::DoNotOptimize(run);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(chunk.size()));
}
BENCHMARK(usage_event_filter_chunk);

/// What a cut or a batch with a usage event in it costs: every event is read.
void usage_event_filter_cut_chunk(benchmark::State& state) {
    UsageEventFilter filter;
    for (auto _ : state) {
        for (std::string_view rest : {chunk.substr(0, 150), chunk.substr(150)}) {
            while (!rest.empty())
                rest.remove_prefix(filter.next(rest).size);
        }
        benchmark::DoNotOptimize(filter);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(chunk.size()));
}
BENCHMARK(usage_event_filter_cut_chunk);

void stream_text_chunk(benchmark::State& state) {
    struct OneEach final : TextCounting {
        CountedText count(std::string_view) noexcept override { return {1}; }
    } counting;
    StreamText text(Operation::chat, &counting);
    for (auto _ : state)
        text.feed(chunk);
    benchmark::DoNotOptimize(text.tokens());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(chunk.size()));
}
BENCHMARK(stream_text_chunk);

void usage_meter_usage_event(benchmark::State& state) {
    constexpr std::string_view event =
        R"(data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19,)"
        R"("prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}})"
        "\n\n";
    UsageMeter meter(UsageMeter::Kind::sse);
    for (auto _ : state) {
        meter.feed(event);
        benchmark::DoNotOptimize(meter.finish());
    }
}
BENCHMARK(usage_meter_usage_event);

void usage_meter_json(benchmark::State& state) {
    const std::string body =
        R"({"id":"1","model":"gpt-4o","choices":[{"message":{"role":"assistant","content":")" +
        std::string(static_cast<std::size_t>(state.range(0)), 'x') +
        R"("}}],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}})";
    for (auto _ : state) {
        UsageMeter meter(UsageMeter::Kind::json);
        meter.feed(body);
        benchmark::DoNotOptimize(meter.finish());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(usage_meter_json)->Arg(2 << 10)->Arg(64 << 10);

void stream_judge_first_content(benchmark::State& state) {
    for (auto _ : state) {
        StreamJudge judge(64 << 10);
        benchmark::DoNotOptimize(judge.feed(chunk));
    }
}
BENCHMARK(stream_judge_first_content);

void rate_limit_fields(benchmark::State& state) {
    for (auto _ : state) {
        RateLimits limits;
        limits.on_field("content-type", "application/json");
        limits.on_field("x-ratelimit-limit-tokens", "450000");
        limits.on_field("x-ratelimit-remaining-tokens", "449356");
        limits.on_field("x-request-id", "8f2c");
        benchmark::DoNotOptimize(limits);
    }
}
BENCHMARK(rate_limit_fields);

} // namespace
} // namespace headroom::balance
