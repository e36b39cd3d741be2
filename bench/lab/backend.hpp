// One simulated backend: its limiter, how long it takes, its prompt cache and its faults; and what its
// answers say. Owned by the engine. Promises: luck hangs on the request and the attempt alone, so every
// strategy meets the same.
#pragma once

#include "bench/lab/limiter.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace headroom::lab {

/// The answer of a backend; the times count from when it was sent.
struct Reply {
    enum class Kind : std::uint8_t { success, quota, error, no_answer };
    Kind kind = Kind::success;
    Exceeded exceeded = Exceeded::nothing; ///< Of quota.
    std::optional<Duration> retry_after;   ///< As stated.
    bool milliseconds = false;             ///< It was stated in retry-after-ms, too.
    std::optional<QuotaView> headers;
    Duration head{}; ///< Until the status is known; of a success: until the first token.
    Duration end{};  ///< Until it is over.
    std::int64_t cached = 0;
    Admission admission;
};

/// What one backend did in a run.
struct BackendTally {
    std::int64_t sent = 0;
    std::int64_t served = 0;
    std::int64_t refused = 0;
    std::int64_t faults = 0;
    std::int64_t charged = 0; ///< Tokens, as its quota counts.
    std::int64_t prompt = 0;
    std::int64_t cached = 0;
    std::int64_t output = 0;
};

class Backend {
  public:
    Backend(const BackendModel& model, std::uint64_t index, std::uint64_t seed, Duration answer_max);

    /// A request arrives; `attempt` counts those of this request, from 0, over all backends.
    [[nodiscard]] Reply take(const Workload& workload, std::uint32_t request, std::uint32_t attempt,
                             Time now);
    /// A success is over.
    void ended(const Reply& reply, const Request& request, Time now);

    [[nodiscard]] Limiter& limiter() noexcept { return limiter_; }
    /// What `request` would be charged now.
    [[nodiscard]] Charge charge(const Workload& workload, const Request& request, Time now) const;
    [[nodiscard]] const BackendModel& model() const noexcept { return model_; }
    [[nodiscard]] const BackendTally& tally() const noexcept { return tally_; }
    [[nodiscard]] bool blacked_out(Time now) const noexcept;

  private:
    [[nodiscard]] std::int64_t cached_tokens(const Workload& workload, const Request& request,
                                             Time now) const;
    void remember(const Workload& workload, const Request& request, Time now);
    void state_wait(Reply& reply, Duration wait) const;
    void time_answer(const Request& request, double luck, double slow, Reply& reply) const;

    BackendModel model_;
    std::uint64_t index_;
    std::uint64_t seed_;
    Duration answer_max_;
    Limiter limiter_;
    std::unordered_map<std::uint64_t, Time> cache_; ///< When a block was last used.
    BackendTally tally_;
};

} // namespace headroom::lab
