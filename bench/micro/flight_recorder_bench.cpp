// What it costs a shard to record a decision, and what choosing costs with and without.
#include "balance/balancer.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

constexpr Time start_time{std::chrono::hours(1)};

std::vector<BackendSpec> backends(std::size_t count) {
    std::vector<BackendSpec> specs(count);
    for (BackendSpec& spec : specs) {
        spec.tpm = Tokens(std::int64_t{1} << 40);
        spec.rpm = 2'000'000'000;
    }
    return specs;
}

void choose(benchmark::State& state, FlightRecorder* recorder) {
    Fleet fleet(backends(static_cast<std::size_t>(state.range(0))));
    std::uint64_t number = 0;
    for (auto _ : state) {
        Demand demand;
        demand.cost = Tokens(1500);
        demand.random = ++number * 6364136223846793005U;
        const Time now = start_time + std::chrono::milliseconds(number / 8);
        Choice choice = Balancer().choose(fleet, demand, now, {recorder, {"0123456789abcdef", number, 0}});
        benchmark::DoNotOptimize(choice);
        choice.lease.settle({}, now);
    }
}

void flight_choose_unrecorded(benchmark::State& state) {
    choose(state, nullptr);
}
BENCHMARK(flight_choose_unrecorded)->Arg(3)->Arg(8)->Arg(32);

void flight_choose_recorded(benchmark::State& state) {
    FlightRecorder recorder;
    choose(state, &recorder);
}
BENCHMARK(flight_choose_recorded)->Arg(3)->Arg(8)->Arg(32);

void flight_record_attempt_end(benchmark::State& state) {
    FlightRecorder recorder;
    std::uint64_t number = 0;
    for (auto _ : state)
        recorder.record({"0123456789abcdef", ++number, 0}, start_time, AttemptEnd{});
}
BENCHMARK(flight_record_attempt_end);

} // namespace
} // namespace headroom::balance
