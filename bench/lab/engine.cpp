// A heap of events and what each kind does. Events at the same time happen in the order in which they were
// planned.
#include "bench/lab/engine.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <queue>
#include <utility>

namespace headroom::lab {
namespace {

constexpr std::uint64_t strategy_draw = 4;
constexpr std::uint64_t backoff_draw = 5;
constexpr std::uint64_t progress_every = 8192; // events

struct Event {
    enum class Kind : std::uint8_t { arrival, head, end, wake, sample };
    Time at;
    std::uint64_t order;
    Kind kind;
    std::uint32_t subject; ///< A request, a flight or a replica.
    bool operator>(const Event& other) const noexcept {
        return at != other.at ? at > other.at : order > other.order;
    }
};

/// A request in the proxy.
struct Job {
    Ask ask;
    std::uint32_t replica = 0;
    std::uint32_t attempts = 0; ///< Over all its client's tries.
    Reply last{};
};

/// A request at a backend.
struct Flight {
    std::uint32_t job = 0;
    std::uint32_t backend = 0;
    Reply reply;
    Time sent{};
};

class Engine {
  public:
    Engine(const Workload& workload, const FleetModel& fleet, const StrategyInfo& info,
           const RunOptions& options);
    Outcome run();

  private:
    /// One replica of the proxy.
    class Replica final : public Desk {
      public:
        Replica(Engine& engine, std::uint32_t index) : engine_(engine), index_(index) {}
        void decide(std::uint32_t job, const Decision& decision) override { engine_.act(job, decision); }
        void wake_at(Time at) override {
            if (at == Time::max() || (at >= woken_at_ && woken_at_ > engine_.now_)) return;
            woken_at_ = std::max(at, engine_.now_);
            engine_.plan(woken_at_, Event::Kind::wake, index_);
        }
        Duration truly_opens(std::uint32_t backend, std::uint32_t job) override {
            return engine_.truly_opens(backend, job);
        }
        std::int64_t truly_left(std::uint32_t backend) override {
            Limiter& limiter = engine_.backends_[backend].limiter();
            return limiter.limit(engine_.now_) - limiter.used(engine_.now_);
        }
        void wake() {
            if (woken_at_ != engine_.now_) return;
            woken_at_ = Time::max();
            strategy->woken(engine_.now_);
        }
        std::unique_ptr<Strategy> strategy;

      private:
        Engine& engine_;
        std::uint32_t index_;
        Time woken_at_ = Time::max();
    };

    [[nodiscard]] Event next_event();
    void plan(Time at, Event::Kind kind, std::uint32_t subject);
    void arrive(std::uint32_t job);
    void act(std::uint32_t job, const Decision& decision);
    void send(std::uint32_t job, std::uint32_t backend);
    void head(std::uint32_t flight);
    void end(std::uint32_t flight);
    void tell_client(std::uint32_t job, bool quota, std::optional<Duration> retry_after);
    void sample();
    [[nodiscard]] Duration truly_opens(std::uint32_t backend, std::uint32_t job);
    [[nodiscard]] std::uint32_t new_flight();
    [[nodiscard]] Strategy& strategy_of(std::uint32_t job) {
        return *replicas_[jobs_[job].replica]->strategy;
    }

    const Workload& workload_;
    const FleetModel& fleet_;
    RunOptions options_;
    std::vector<Backend> backends_;
    std::vector<std::unique_ptr<Replica>> replicas_;
    std::vector<Job> jobs_;
    std::vector<Flight> flights_;
    std::vector<std::uint32_t> free_flights_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    Outcome outcome_;
    Time now_{};
    std::uint64_t order_ = 0;
    std::uint32_t next_arrival_ = 0;
    std::uint32_t next_replica_ = 0;
    std::size_t open_jobs_ = 0;
};

std::vector<Told> told_of(const FleetModel& fleet) {
    std::vector<Told> all;
    all.reserve(fleet.backends.size());
    for (const BackendModel& backend : fleet.backends)
        all.push_back(
            {backend.told_tpm, backend.told_rpm, backend.priority, backend.weight, backend.price.input});
    return all;
}

Engine::Engine(const Workload& workload, const FleetModel& fleet, const StrategyInfo& info,
               const RunOptions& options)
    : workload_(workload), fleet_(fleet), options_(options), jobs_(workload.requests.size()) {
    for (std::size_t i = 0; i < fleet.backends.size(); ++i)
        backends_.emplace_back(fleet.backends[i], i, options.seed, fleet.answer_max);
    for (std::uint32_t i = 0; i < fleet.replicas; ++i) {
        auto replica = std::make_unique<Replica>(*this, i);
        const std::uint64_t seed = random_for({options.seed, strategy_draw, i}).bits();
        replica->strategy = info.make({told_of(fleet), seed, replica.get(), jobs_.size()});
        replicas_.push_back(std::move(replica));
    }
    outcome_.jobs.resize(jobs_.size());
    open_jobs_ = jobs_.size();
}

void Engine::plan(Time at, Event::Kind kind, std::uint32_t subject) {
    events_.push({at, order_++, kind, subject});
}

// First arrivals are in order already, so they stay out of the heap; of what happens at one time they come
// first.
Event Engine::next_event() {
    const bool arrival = next_arrival_ < jobs_.size();
    const Time at = arrival ? workload_.requests[next_arrival_].at : Time::max();
    if (arrival && (events_.empty() || at <= events_.top().at))
        return {at, 0, Event::Kind::arrival, next_arrival_++};
    const Event event = events_.top();
    events_.pop();
    return event;
}

Outcome Engine::run() {
    if (options_.sample_every > Duration::zero()) plan(Time{}, Event::Kind::sample, 0);
    for (std::uint64_t events = 1; next_arrival_ < jobs_.size() || !events_.empty(); ++events) {
        const Event event = next_event();
        now_ = event.at;
        if (options_.progress != nullptr && events % progress_every == 0)
            options_.progress->at(static_cast<double>(next_arrival_) / static_cast<double>(jobs_.size()));
        switch (event.kind) {
            case Event::Kind::arrival: arrive(event.subject); break;
            case Event::Kind::head: head(event.subject); break;
            case Event::Kind::end: end(event.subject); break;
            case Event::Kind::wake: replicas_[event.subject]->wake(); break;
            case Event::Kind::sample: sample(); break;
        }
    }
    outcome_.finished_at = now_;
    for (const Backend& backend : backends_)
        outcome_.backends.push_back(backend.tally());
    return std::move(outcome_);
}

void Engine::sample() {
    UtilisationSample one{now_, {}};
    for (Backend& backend : backends_) {
        const auto limit = static_cast<double>(std::max<std::int64_t>(1, backend.limiter().limit(now_)));
        one.used.push_back(static_cast<double>(backend.limiter().used(now_)) / limit);
    }
    outcome_.utilisation.push_back(std::move(one));
    if (open_jobs_ > 0) plan(now_ + options_.sample_every, Event::Kind::sample, 0);
}

Duration Engine::truly_opens(std::uint32_t backend, std::uint32_t job) {
    Backend& target = backends_[backend];
    if (target.blacked_out(now_)) return std::chrono::seconds(1);
    return target.limiter().until_fits(target.charge(workload_, workload_.requests[job], now_), now_);
}

void Engine::arrive(std::uint32_t index) {
    const Request& request = workload_.requests[index];
    Job& job = jobs_[index];
    const unsigned retries = outcome_.jobs[index].end == JobRecord::End::open ? job.ask.client_retries : 0;
    job.ask = Ask{};
    job.ask.job = index;
    job.ask.now = job.ask.arrived = now_;
    job.ask.deadline = request.at + fleet_.deadline;
    job.ask.prompt = request.prompt;
    job.ask.characters = request.characters;
    job.ask.cap = request.cap;
    job.ask.tenant = request.tenant;
    job.ask.prefix = request.prefix;
    job.ask.client_retries = retries;
    job.replica = next_replica_++ % fleet_.replicas;
    act(index, strategy_of(index).choose(job.ask));
}

void Engine::act(std::uint32_t index, const Decision& decision) {
    Job& job = jobs_[index];
    job.ask.now = now_;
    switch (decision.kind) {
        case Decision::Kind::send: return send(index, decision.backend);
        case Decision::Kind::refuse: return tell_client(index, true, decision.retry_after);
        case Decision::Kind::pass:
            return tell_client(index, job.last.kind == Reply::Kind::quota, job.last.retry_after);
        case Decision::Kind::queue: return;
    }
}

std::uint32_t Engine::new_flight() {
    if (free_flights_.empty()) {
        flights_.emplace_back();
        return static_cast<std::uint32_t>(flights_.size() - 1);
    }
    const std::uint32_t index = free_flights_.back();
    free_flights_.pop_back();
    return index;
}

void Engine::send(std::uint32_t index, std::uint32_t backend) {
    Job& job = jobs_[index];
    JobRecord& record = outcome_.jobs[index];
    const std::uint32_t number = new_flight();
    flights_[number] = {index, backend, backends_[backend].take(workload_, index, job.attempts, now_), now_};
    ++job.attempts;
    ++record.attempts;
    const Reply& reply = flights_[number].reply;
    if (reply.kind == Reply::Kind::success) {
        record.backend = backend;
        record.taken_at = now_;
        record.taken = now_ - workload_.requests[index].at;
        record.cached = reply.cached;
    }
    plan(now_ + reply.head, Event::Kind::head, number);
}

void Engine::head(std::uint32_t number) {
    const Flight flight = flights_[number];
    Job& job = jobs_[flight.job];
    job.ask.now = now_;
    Strategy& strategy = strategy_of(flight.job);
    if (flight.reply.kind == Reply::Kind::success) {
        outcome_.jobs[flight.job].first = now_ - workload_.requests[flight.job].at;
        strategy.answered(job.ask, flight.backend, flight.reply);
        plan(flight.sent + flight.reply.end, Event::Kind::end, number);
        return;
    }
    backends_[flight.backend].ended(flight.reply, workload_.requests[flight.job], now_);
    free_flights_.push_back(number);
    strategy.answered(job.ask, flight.backend, flight.reply);
    job.last = flight.reply;
    job.ask.tried |= std::uint64_t{1} << flight.backend;
    ++job.ask.attempts;
    job.ask.failed = &job.last;
    job.ask.failed_at = flight.backend;
    act(flight.job, strategy.choose(job.ask));
}

void Engine::end(std::uint32_t number) {
    const Flight flight = flights_[number];
    free_flights_.push_back(number);
    const Request& request = workload_.requests[flight.job];
    JobRecord& record = outcome_.jobs[flight.job];
    backends_[flight.backend].ended(flight.reply, request, now_);
    record.whole = now_ - request.at;
    record.end = record.taken <= fleet_.deadline ? JobRecord::End::served : JobRecord::End::late;
    --open_jobs_;
    jobs_[flight.job].ask.now = now_;
    strategy_of(flight.job).finished(jobs_[flight.job].ask, flight.backend, flight.reply, request.output);
}

// The wait of openai-python: retry-after-ms, then retry-after, if it is believed; else it doubles, less up to
// a quarter.
void Engine::tell_client(std::uint32_t index, bool quota, std::optional<Duration> retry_after) {
    Job& job = jobs_[index];
    JobRecord& record = outcome_.jobs[index];
    if (quota) ++record.client_refusals;
    const ClientModel& client = fleet_.client;
    const unsigned tries = job.ask.client_retries;
    Duration wait{};
    if (retry_after && *retry_after > Duration::zero() && *retry_after <= client.wait_max) {
        wait = *retry_after;
    } else {
        wait = std::min(client.backoff_max, client.backoff_min * (std::int64_t{1} << std::min(tries, 16U)));
        const double luck = random_for({options_.seed, backoff_draw, index, tries}).unit();
        wait = Duration(static_cast<std::int64_t>(static_cast<double>(wait.count()) * (1 - luck / 4)));
    }
    const bool late = now_ + wait > job.ask.deadline;
    if (tries >= client.retries || late) {
        record.end = tries < client.retries ? JobRecord::End::expired
                     : quota                ? JobRecord::End::refused
                                            : JobRecord::End::failed;
        --open_jobs_;
        return;
    }
    ++job.ask.client_retries;
    plan(now_ + wait, Event::Kind::arrival, index);
}

} // namespace

Outcome simulate(const Workload& workload, const FleetModel& fleet, const StrategyInfo& strategy,
                 const RunOptions& options) {
    return Engine(workload, fleet, strategy, options).run();
}

} // namespace headroom::lab
