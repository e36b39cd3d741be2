// A fleet as the lab simulates it: what each backend really does, what the proxy is told of it, and how
// clients behave. Read from YAML; immutable afterwards. Promises: an unknown key or a value out of range is a
// FleetError with its line. Not here: how the parts behave (limiter.hpp, backend.hpp, engine.hpp).
#pragma once

#include "balance/quantities.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace headroom::lab {

using balance::Duration;
using balance::Time;

/// The file cannot be used; the text says why, and what was expected.
class FleetError : public std::runtime_error {
  public:
    explicit FleetError(const std::string& what, std::size_t line = 0)
        : std::runtime_error(what), line_(line) {}
    [[nodiscard]] std::size_t line() const noexcept { return line_; } ///< From 1; 0: the file as a whole.

  private:
    std::size_t line_;
};

/// What a limiter counts of a request.
enum class ChargeBy : std::uint8_t {
    prompt_and_max, ///< A quarter of the characters and max_tokens, or `default_max_tokens`; at arrival.
    max_only,       ///< max_tokens, or `default_max_tokens`; at arrival.
    billed,         ///< Nothing at arrival, what was used at the end.
    reserve, ///< As prompt_and_max, the whole context without max_tokens; cut to what was used at the end.
};

/// How a limiter forgets.
enum class WindowKind : std::uint8_t {
    sliding, ///< Each charge counts for 60 s.
    fixed,   ///< All are forgotten at once, every minute.
    gcra,    ///< The quota flows back evenly; up to `burst` of it is saved.
    ptu,     ///< Provisioned throughput: as gcra, of prompt without cached tokens and weighted output.
};

enum class RetryAfter : std::uint8_t { exact, seconds, none };

struct LimiterModel {
    std::int64_t tpm = 30'000;
    int rpm = 0; ///< 0: 6 per 1,000 TPM.
    ChargeBy charge = ChargeBy::prompt_and_max;
    WindowKind window = WindowKind::sliding;
    Duration slice = std::chrono::seconds(10); ///< In which requests are counted.
    bool headers = true;
    RetryAfter retry_after = RetryAfter::exact;
    Duration retry_unit = std::chrono::seconds(1); ///< Of RetryAfter::seconds; only live has another one.
    std::int64_t default_max_tokens = 16;
    std::int64_t context = 128'000;
    bool count_refused = true;                 ///< Refused requests use up RPM.
    Duration burst = std::chrono::seconds(60); ///< Of gcra and ptu: how much is saved.
    Duration phase = std::chrono::seconds(20); ///< Of fixed: when the first minute ends.
    double output_weight = 1;                  ///< Of ptu: an output token in prompt tokens.

    [[nodiscard]] int requests_per_minute() const noexcept;
};

/// From `at` on the limits are `factor` of what they were configured as; nobody is told.
struct LimitChange {
    Time at{};
    double factor = 1;
};

struct LatencyModel {
    double first_ms = 300;       ///< To the first token, of an empty prompt.
    double prompt_token_us = 30; ///< Per prompt token that is not cached.
    double output_token_ms = 15; ///< Per token after the first.
    double jitter = 0.2;         ///< Standard deviation of the logarithm.
    bool whole = false;          ///< Answers come in one piece; for live only, not read from YAML.
};

struct Interval {
    Time from{};
    Time to{};
    double factor = 1;  ///< Of a brown-out: how much slower.
    bool hangs = false; ///< Of a blackout: no answer at all, instead of 503 at once.
    [[nodiscard]] bool contains(Time time) const noexcept { return from <= time && time < to; }
};

struct FaultModel {
    double error_rate = 0; ///< Share of admitted requests that end in 500.
    std::vector<Interval> blackouts;
    std::vector<Interval> brownouts;
};

/// In any currency, per million tokens; per hour for what is provisioned.
struct PriceModel {
    double input = 2.5;
    double cached = 1.25;
    double output = 10;
    double hour = 0;
};

/// What Azure calls a backend and its quota; whatever is empty is not known.
struct AzureNames {
    std::string account;
    std::string resource_group;
    std::string deployment;
    std::string model;
    std::string version;
    std::string sku;
    std::string region;
};

struct BackendModel {
    std::string name;
    int priority = 1;
    double weight = 1;
    LimiterModel limiter;
    std::int64_t told_tpm = 0; ///< What the proxy is configured with; 0: it is not told.
    int told_rpm = 0;
    std::vector<LimitChange> changes; ///< In order of time.
    LatencyModel latency;
    FaultModel faults;
    PriceModel price;
    AzureNames azure;
};

/// As the OpenAI SDKs retry (openai-python, _base_client.py).
struct ClientModel {
    unsigned retries = 2;
    Duration backoff_min = std::chrono::milliseconds(500);
    Duration backoff_max = std::chrono::seconds(8);
    Duration wait_max = std::chrono::seconds(60); ///< A longer Retry-After is not believed.
};

struct FleetModel {
    std::vector<BackendModel> backends; ///< 1 to 64.
    ClientModel client;
    unsigned replicas = 1;
    Duration deadline = std::chrono::seconds(60);   ///< A request that no backend took by then has failed.
    Duration answer_max = std::chrono::seconds(30); ///< The proxy gives a backend so long for its head.

    /// Of all backends, without hidden changes.
    [[nodiscard]] std::int64_t tokens_per_minute() const noexcept;
};

/// Reads YAML; throws FleetError.
[[nodiscard]] FleetModel read_fleet(const std::string& yaml);

} // namespace headroom::lab
