// What a strategy is: it is asked where a request should go, and told what came of it. One object per
// replica. A strategy is one file in strategies/ that ends with a Registered; docs/lab.md shows how to add
// one. Promises: it sees what a proxy can see, never the output of a request nor a backend's limiter.
#pragma once

#include "bench/lab/backend.hpp"
#include "bench/lab/random.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace headroom::lab {

/// What the proxy knows of a request.
struct Ask {
    std::uint32_t job = 0; ///< The request's index in the workload.
    Time now{};
    Time arrived{};  ///< At the proxy, this time.
    Time deadline{}; ///< When waiting for a backend becomes useless.
    std::int64_t prompt = 0;
    std::int64_t characters = 0; ///< A quarter of the prompt's.
    std::int64_t cap = 0;        ///< max_tokens; 0: not set.
    std::uint32_t tenant = 0;
    std::uint64_t prefix = 0;      ///< 0: none.
    unsigned client_retries = 0;   ///< How often its client has tried before.
    std::uint64_t tried = 0;       ///< Bit per backend that failed since it arrived.
    unsigned attempts = 0;         ///< That failed since it arrived.
    const Reply* failed = nullptr; ///< Of the last attempt.
    std::uint32_t failed_at = 0;   ///< Its backend.

    /// What Azure documents to be charged.
    [[nodiscard]] std::int64_t charge() const noexcept { return characters + (cap > 0 ? cap : 16); }
};

/// What to do with a request.
struct Decision {
    enum class Kind : std::uint8_t {
        send,
        refuse, ///< The client gets a 429 of the proxy's own.
        pass,   ///< The client gets the last attempt's answer.
        queue,  ///< The strategy tells its Desk later.
    };
    Kind kind = Kind::refuse;
    std::uint32_t backend = 0;
    std::optional<Duration> retry_after; ///< Of refuse: what the client is told.

    [[nodiscard]] static Decision send(std::uint32_t backend) { return {Kind::send, backend, {}}; }
    [[nodiscard]] static Decision refuse(std::optional<Duration> after = {}) {
        return {Kind::refuse, 0, after};
    }
    [[nodiscard]] static Decision pass() { return {Kind::pass, 0, {}}; }
    [[nodiscard]] static Decision queue() { return {Kind::queue, 0, {}}; }
};

/// What a strategy may ask of the lab; never to be called from the constructor of a strategy.
class Desk {
  public:
    virtual ~Desk() = default;
    /// The decision on a request that was queued.
    virtual void decide(std::uint32_t job, const Decision& decision) = 0;
    /// Calls Strategy::woken at that time; an earlier call replaces a later one.
    virtual void wake_at(Time at) = 0;
    /// For oracles only: when the backend's own limiter would take the request; zero: now.
    [[nodiscard]] virtual Duration truly_opens(std::uint32_t backend, std::uint32_t job) = 0;
    /// For oracles only: tokens that its limiter has left.
    [[nodiscard]] virtual std::int64_t truly_left(std::uint32_t backend) = 0;
};

/// What the proxy is told about a backend.
struct Told {
    std::int64_t tpm = 0; ///< 0: nothing.
    int rpm = 0;
    int priority = 1;
    double weight = 1;
    double price = 0; ///< Of an input token, per million.
};

struct Setting {
    std::vector<Told> backends;
    std::uint64_t seed = 1; ///< Of this replica.
    Desk* desk = nullptr;
    std::size_t jobs = 0; ///< Requests of the workload.
};

class Strategy {
  public:
    virtual ~Strategy() = default;
    /// Asked when a request arrives and after each attempt that failed.
    [[nodiscard]] virtual Decision choose(const Ask& ask) = 0;
    /// The head of an answer came, of any kind; before choose() is asked again.
    virtual void answered(const Ask& ask, std::uint32_t backend, const Reply& reply);
    /// A success is over, with what it used.
    virtual void finished(const Ask& ask, std::uint32_t backend, const Reply& reply, std::int64_t output);
    virtual void woken(Time now);
};

/// What is known of a strategy by its name.
struct StrategyInfo {
    std::string_view name;
    std::string_view summary; ///< One line, with its source.
    std::unique_ptr<Strategy> (*make)(const Setting&);
    bool oracle = false; ///< It sees what no proxy can see.
    int rank = 50;       ///< Order in tables.
};

/// One of these at file scope makes a strategy known.
class Registered {
  public:
    explicit Registered(const StrategyInfo& info);
};

template <class Kind>
std::unique_ptr<Strategy> make_strategy(const Setting& setting) {
    return std::make_unique<Kind>(setting);
}

/// All of them, by rank and name.
[[nodiscard]] std::vector<StrategyInfo> strategies();
/// nullptr when there is none of that name.
[[nodiscard]] const StrategyInfo* find_strategy(std::string_view name);

} // namespace headroom::lab
