// Workloads and fleets small enough to compute by hand.
#pragma once

#include "bench/lab/engine.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace headroom::lab {

/// A request of that many prompt tokens; a quarter of its characters is the same number.
struct Tiny {
    double at_s = 0;
    std::int64_t prompt = 0;
    std::int64_t output = 0;
    std::int64_t cap = 0;
    std::uint32_t tenant = 0;
};

inline Duration seconds_of(double seconds) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

inline Workload tiny_workload(const std::vector<Tiny>& requests, std::size_t tenants = 1) {
    Workload workload;
    workload.tenants.resize(tenants);
    for (const Tiny& tiny : requests) {
        Request request;
        request.at = Time(seconds_of(tiny.at_s));
        request.prompt = request.characters = tiny.prompt;
        request.output = tiny.output;
        request.cap = tiny.cap;
        request.tenant = tiny.tenant;
        workload.requests.push_back(request);
    }
    workload.span = std::chrono::minutes(1);
    return workload;
}

/// Five requests of 400 tokens, two seconds apart; each is charged 416 with the 16 that are taken for
/// max_tokens.
inline Workload five_requests() {
    return tiny_workload({{0, 400}, {2, 400}, {4, 400}, {6, 400}, {8, 400}});
}

/// A backend that answers after exactly one second; `more` are further keys of the flow mapping.
inline std::string steady(const std::string& name, const std::string& more) {
    return "  - {name: " + name + ", rpm: 6000, " + more +
           ", latency: {first_ms: 1000, prompt_token_us: 0, output_token_ms: 0, jitter: 0}}\n";
}

inline FleetModel fleet_of(const std::string& backends, const std::string& more = "") {
    return read_fleet("backends:\n" + backends + more);
}

inline Outcome run(const std::string& strategy, const FleetModel& fleet, const Workload& workload,
                   std::uint64_t seed = 1) {
    return simulate(workload, fleet, *find_strategy(strategy), {seed, Duration::zero()});
}

/// Where each request was served; -1 where it was not.
inline std::vector<int> places(const Outcome& outcome) {
    std::vector<int> all;
    all.reserve(outcome.jobs.size());
    for (const JobRecord& job : outcome.jobs)
        all.push_back(job.end == JobRecord::End::served ? static_cast<int>(job.backend) : -1);
    return all;
}

inline std::vector<std::uint32_t> attempts(const Outcome& outcome) {
    std::vector<std::uint32_t> all;
    all.reserve(outcome.jobs.size());
    for (const JobRecord& job : outcome.jobs)
        all.push_back(job.attempts);
    return all;
}

inline double taken_s(const JobRecord& job) {
    return std::chrono::duration<double>(job.taken).count();
}

} // namespace headroom::lab
