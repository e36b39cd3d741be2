// What happens to one request at one backend: faults first, then the quota, then an answer that takes its
// time.
#include "bench/lab/backend.hpp"

#include "bench/lab/random.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::lab {
namespace {

// Azure keeps prompt caches for five to ten minutes of inactivity, from 1,024 tokens on, in steps of 128.
constexpr Duration cache_life = std::chrono::minutes(5);
constexpr std::int64_t cached_least = 1024;
// A refusal or an error is quick, but not free.
constexpr Duration refusal_time = std::chrono::milliseconds(20);
constexpr std::uint64_t fault_draw = 2;
constexpr std::uint64_t latency_draw = 3;

Duration milliseconds(double ms) {
    return std::chrono::nanoseconds(std::llround(ms * 1e6));
}

} // namespace

Backend::Backend(const BackendModel& model, std::uint64_t index, std::uint64_t seed, Duration answer_max)
    : model_(model),
      index_(index),
      seed_(seed),
      answer_max_(answer_max),
      limiter_(model.limiter, model.changes) {}

std::int64_t Backend::cached_tokens(const Workload& workload, const Request& request, Time now) const {
    std::int64_t tokens = 0;
    for (const std::uint64_t block : workload.blocks_of(request)) {
        const auto found = cache_.find(block);
        if (found == cache_.end() || found->second + cache_life <= now) break;
        tokens += load::prefix_block_tokens;
    }
    // At least the last token is always read anew.
    tokens = std::min(tokens, request.prompt - 1);
    return tokens < cached_least ? 0 : tokens;
}

void Backend::remember(const Workload& workload, const Request& request, Time now) {
    for (const std::uint64_t block : workload.blocks_of(request))
        cache_[block] = now;
}

Charge Backend::charge(const Workload& workload, const Request& request, Time now) const {
    return charge_of(model_.limiter, request, cached_tokens(workload, request, now));
}

bool Backend::blacked_out(Time now) const noexcept {
    return std::ranges::any_of(model_.faults.blackouts,
                               [&](const Interval& one) { return one.contains(now); });
}

void Backend::state_wait(Reply& reply, Duration wait) const {
    if (model_.limiter.retry_after == RetryAfter::none) return;
    reply.milliseconds = model_.limiter.retry_after == RetryAfter::exact;
    const Duration unit = reply.milliseconds ? std::chrono::milliseconds(1) : model_.limiter.retry_unit;
    reply.retry_after = (wait + unit - Duration(1)) / unit * unit;
}

void Backend::time_answer(const Request& request, double luck, double slow, Reply& reply) const {
    const LatencyModel& latency = model_.latency;
    const double factor = std::exp(latency.jitter * luck) * slow;
    const auto fresh = static_cast<double>(request.prompt - reply.cached);
    const auto more = static_cast<double>(std::max<std::int64_t>(request.output - 1, 0));
    reply.head = milliseconds((latency.first_ms + fresh * latency.prompt_token_us / 1000) * factor);
    reply.end = reply.head + milliseconds(more * latency.output_token_ms * factor);
    if (latency.whole) reply.head = reply.end;
}

Reply Backend::take(const Workload& workload, std::uint32_t index, std::uint32_t attempt, Time now) {
    const Request& request = workload.requests[index];
    ++tally_.sent;
    Reply reply;
    reply.head = reply.end = refusal_time;
    for (const Interval& blackout : model_.faults.blackouts) {
        if (!blackout.contains(now)) continue;
        ++tally_.faults;
        reply.kind = blackout.hangs ? Reply::Kind::no_answer : Reply::Kind::error;
        if (blackout.hangs) reply.head = reply.end = answer_max_;
        return reply;
    }
    reply.cached = cached_tokens(workload, request, now);
    reply.admission = limiter_.admit(charge_of(model_.limiter, request, reply.cached), now);
    if (model_.limiter.headers) reply.headers = limiter_.view(now);
    if (reply.admission.exceeded != Exceeded::nothing) {
        ++tally_.refused;
        reply.kind = Reply::Kind::quota;
        reply.exceeded = reply.admission.exceeded;
        state_wait(reply, reply.admission.wait);
        return reply;
    }
    tally_.charged += reply.admission.charge.at_end;
    Random luck = random_for({seed_, fault_draw, index_, index, attempt});
    if (luck.unit() < model_.faults.error_rate) {
        ++tally_.faults;
        reply.kind = Reply::Kind::error;
        reply.headers.reset();
        return reply;
    }
    double slow = 1;
    for (const Interval& brownout : model_.faults.brownouts)
        slow = brownout.contains(now) ? slow * brownout.factor : slow;
    time_answer(request, random_for({seed_, latency_draw, index_, index}).normal(), slow, reply);
    if (reply.head > answer_max_) {
        ++tally_.faults;
        reply.kind = Reply::Kind::no_answer;
        reply.head = reply.end = answer_max_;
        reply.headers.reset();
        return reply;
    }
    remember(workload, request, now);
    ++tally_.served;
    tally_.prompt += request.prompt;
    tally_.cached += reply.cached;
    tally_.output += request.output;
    return reply;
}

void Backend::ended(const Reply& reply, const Request&, Time now) {
    if (reply.admission.number != 0) limiter_.ended(reply.admission, now);
}

} // namespace headroom::lab
