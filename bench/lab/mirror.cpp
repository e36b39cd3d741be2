// The exchange's part in choosing, without its bytes: asking, waiting, excluding, settling.
#include "bench/lab/mirror.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace headroom::lab {
namespace {

using balance::Choice;
using balance::Tokens;
using State = balance::WaitQueue::Entry::State;

constexpr std::uint32_t owner = 1;
constexpr std::string_view deployment = "gpt";

std::vector<balance::BackendSpec> specs_of(const std::vector<Told>& told) {
    std::vector<balance::BackendSpec> specs;
    for (const Told& one : told) {
        balance::BackendSpec spec;
        spec.name = "backend" + std::to_string(specs.size() + 1);
        spec.priority = one.priority;
        spec.weight = one.weight;
        spec.tpm = Tokens(one.tpm);
        spec.rpm = one.rpm;
        spec.price = one.price;
        // With an override the deployment has its slot from the first request on, as a configured one has.
        spec.overrides.push_back({std::string(deployment), Tokens(one.tpm), one.rpm});
        specs.push_back(std::move(spec));
    }
    return specs;
}

balance::RateLimits limits_of(const Reply& reply) {
    balance::RateLimits limits;
    if (reply.headers) {
        limits.limit_tokens = reply.headers->limit_tokens;
        limits.remaining_tokens = reply.headers->remaining_tokens;
        limits.limit_requests = reply.headers->limit_requests;
        limits.remaining_requests = reply.headers->remaining_requests;
    }
    if (reply.retry_after) {
        limits.retry_after = std::chrono::ceil<std::chrono::seconds>(*reply.retry_after);
        if (reply.milliseconds) limits.retry_after_ms = *reply.retry_after;
    }
    return limits;
}

} // namespace

Mirror::Mirror(const Setting& setting, const MirrorParts& parts)
    : parts_(parts),
      told_(setting.backends),
      desk_(*setting.desk),
      random_(setting.seed),
      fleet_(specs_of(setting.backends), {.seed = setting.seed}),
      budget_({}),
      key_(fleet_.key(deployment)),
      places_(setting.jobs),
      queue_({}, *this) {}

Mirror::Place& Mirror::place_of(const Ask& ask) {
    std::unique_ptr<Place>& place = places_[ask.job];
    if (!place) {
        if (spare_.empty()) spare_.push_back(std::make_unique<Place>());
        place = std::move(spare_.back());
        spare_.pop_back();
        *place = Place{};
        place->tries.begin(ask.client_retries, static_cast<unsigned>(told_.size()), budget_);
    }
    place->ask = ask;
    if (place->estimate.kind.deployment == 0) estimate(*place);
    return *place;
}

// What core::Estimator makes of a body, with the prompt counted exactly.
void Mirror::estimate(Place& place) const {
    const Ask& ask = place.ask;
    balance::RequestCost& cost = place.estimate;
    cost.kind.deployment = key_.hash;
    cost.kind.capped = ask.cap > 0;
    cost.kind.prompt = cost.prompt = Tokens(ask.prompt);
    cost.characters = static_cast<std::uint64_t>(ask.characters) * 4;
    if (ask.cap > 0) cost.cap = Tokens(ask.cap);
    const std::int64_t guess = std::llround(forecast_.guess(cost.kind).mean);
    cost.output = Tokens(ask.cap > 0 ? std::min(guess, ask.cap) : guess);
    place.basis = cost.basis();
}

void Mirror::free(std::uint32_t job) {
    spare_.push_back(std::move(places_[job]));
}

Duration Mirror::patience_left(const Place& place) const {
    if (!parts_.queue) return Duration::zero();
    return std::max(place.ask.deadline - now_, Duration::zero());
}

balance::Demand Mirror::demand_of(const Place& place) const {
    balance::Demand demand;
    demand.deployments = {&key_, 1};
    const balance::Cost cost = place.estimate.cost();
    demand.cost = cost.charge;
    demand.prompt = cost.prompt;
    demand.excluded = place.tries.excluded();
    demand.basis = &place.basis;
    demand.prefix = parts_.affinity ? place.ask.prefix : 0;
    return demand;
}

Choice Mirror::ask_balancer(const Place& place, const balance::Asking& asking) {
    balance::Demand demand = demand_of(place);
    demand.random = random_.bits();
    demand.patience = asking.patience;
    demand.owner = asking.owner;
    demand.claims = asking.claims;
    return balancer_.choose(fleet_, demand, now_);
}

Choice Mirror::choose_now(Place& place) {
    const Duration patience = patience_left(place);
    if (patience == Duration::zero())
        return ask_balancer(place, parts_.queue ? balance::asking_last() : balance::Asking{});
    if (place.tries.gets_in_line(queue_.busy(key_.hash))) {
        Choice in_line;
        in_line.kind = Choice::Kind::wait;
        return in_line;
    }
    return ask_balancer(place, {patience, owner, true});
}

Decision Mirror::choose(const Ask& ask) {
    now_ = ask.now;
    Place& place = place_of(ask);
    if (ask.failed != nullptr) note_failed(place);
    Choice choice = choose_now(place);
    if (place.tries.must_wait(choice, patience_left(place))) {
        if (choice.lease) choice.lease.cancel_unsent(now_);
        return join(place);
    }
    return resolve(place, choice);
}

Decision Mirror::join(Place& place) {
    place.tries.wait();
    settle_turn(place, Tokens(0));
    place.deadline = place.ask.deadline;
    place.lane = key_.hash;
    place.tenant = place.ask.tenant;
    place.weight = 1;
    const balance::Cost cost = place.estimate.cost();
    place.cost = cost.charge;
    place.expected = cost.expected;
    place.bytes = 0;
    place.choice = {};
    joining_ = &place;
    if (queue_.join(place, now_)) queue_.dispatch(key_.hash, now_);
    joining_ = nullptr;
    set_alarm();
    if (place.state == State::waiting) return Decision::queue();
    if (place.state == State::sent) place.charged = place.cost;
    Choice choice = std::move(place.choice);
    return resolve(place, choice);
}

bool Mirror::may_send(Place& place, const Choice& choice) {
    return place.tries.may_send(choice) &&
           place.tries.may_retry(budget_, now_) == balance::Tries::Retry::allowed;
}

Decision Mirror::resolve(Place& place, Choice& choice) {
    if (!may_send(place, choice)) return give_up(choice, place);
    place.tries.sent_to(choice.backend);
    place.flying = std::move(choice.lease);
    return Decision::send(choice.backend);
}

Decision Mirror::give_up(Choice& choice, Place& place) {
    if (choice.lease) choice.lease.cancel_unsent(now_);
    const bool failed = place.ask.failed != nullptr && place.ask.failed->kind != Reply::Kind::quota;
    const bool quota = choice.quota || !failed;
    const Duration wait = std::max<Duration>(choice.retry_after, std::chrono::milliseconds(1));
    free(place.ask.job);
    return quota ? Decision::refuse(wait) : Decision::pass();
}

Choice Mirror::choose(balance::WaitQueue::Entry& entry, bool first) {
    return ask_balancer(static_cast<Place&>(entry), balance::asking_in_turn(first, owner));
}

Choice Mirror::choose_last(balance::WaitQueue::Entry& entry) {
    return ask_balancer(static_cast<Place&>(entry), balance::asking_last());
}

balance::Supply Mirror::supply(balance::WaitQueue::Entry& entry) {
    return balancer_.supply(fleet_, demand_of(static_cast<Place&>(entry)), now_);
}

void Mirror::left(balance::WaitQueue::Entry& entry) {
    Place& place = static_cast<Place&>(entry);
    if (&place == joining_) return;
    if (place.state == State::sent) place.charged = place.cost;
    Choice choice = std::move(place.choice);
    const std::uint32_t job = place.ask.job;
    desk_.decide(job, resolve(place, choice));
}

void Mirror::note_failed(Place& place) {
    if (place.ask.failed->kind == Reply::Kind::quota) {
        place.tries.refused_for_quota();
    } else {
        place.tries.failed_at(place.ask.failed_at, true);
    }
}

void Mirror::settle_turn(Place& place, Tokens had) {
    const Tokens charged = std::exchange(place.charged, Tokens(0));
    if (charged != Tokens(0)) queue_.correct(key_.hash, place.ask.tenant, 1, had - charged);
    if (queue_.busy(key_.hash)) desk_.wake_at(now_);
}

void Mirror::refuse(Place& place, const Reply& reply) {
    const std::string_view body = reply.exceeded == Exceeded::requests
                                      ? "have exceeded call rate limit of your current pricing tier"
                                      : "have exceeded token rate limit of your current pricing tier";
    balance::RateLimits limits = limits_of(reply);
    if (!parts_.learning) limits.remaining_tokens.reset(), limits.limit_tokens.reset();
    balance::Refusal refusal = balance::refusal_from(429, limits, body, {});
    if (!parts_.size_memory) {
        refusal.kind = balance::Refusal::Kind::capacity;
        refusal.limits.remaining_tokens.reset();
    }
    place.flying.refused(refusal, now_);
}

void Mirror::answered(const Ask& ask, std::uint32_t, const Reply& reply) {
    now_ = ask.now;
    Place& place = *places_[ask.job];
    switch (reply.kind) {
        case Reply::Kind::success:
            if (parts_.learning) place.flying.observe(limits_of(reply), now_);
            place.flying.success(now_);
            place.flying.first_content(reply.head);
            return;
        case Reply::Kind::quota: refuse(place, reply); break;
        case Reply::Kind::error: place.flying.fault(balance::Fault::server_error, now_); break;
        case Reply::Kind::no_answer: place.flying.fault(balance::Fault::timeout, now_); break;
    }
    if (queue_.busy(key_.hash)) desk_.wake_at(now_);
}

void Mirror::finished(const Ask& ask, std::uint32_t, const Reply& reply, std::int64_t output) {
    now_ = ask.now;
    Place& place = *places_[ask.job];
    balance::Usage usage;
    usage.prompt = Tokens(ask.prompt);
    usage.completion = Tokens(output);
    usage.total = Tokens(ask.prompt + output);
    usage.cached = Tokens(reply.cached);
    forecast_.observe(place.estimate.kind, usage.completion);
    place.flying.settle(usage, now_);
    settle_turn(place, place.charged);
    free(ask.job);
}

void Mirror::woken(Time now) {
    now_ = now;
    queue_.dispatch_all(now);
    set_alarm();
}

void Mirror::set_alarm() {
    const Time at = queue_.wake_at();
    if (at != Time::max()) desk_.wake_at(std::max(at, now_ + std::chrono::nanoseconds(1)));
}

} // namespace headroom::lab
