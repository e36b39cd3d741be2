// The limiter of one simulated deployment: tokens by one of four windows, requests by a sliding slice.
// Owned by a Backend. Exact in virtual time. Promises: what it admits never exceeds its limit as it was then.
// Not here: what its answers look like (backend.hpp).
#pragma once

#include "bench/lab/fleet_model.hpp"
#include "bench/lab/workload.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace headroom::lab {

/// What is charged for one request.
struct Charge {
    std::int64_t at_arrival = 0;
    std::int64_t at_end = 0; ///< What remains of it when the request has ended.
};

/// Of a request of which the backend has `cached` tokens in its prompt cache.
[[nodiscard]] Charge charge_of(const LimiterModel& limiter, const Request& request,
                               std::int64_t cached) noexcept;

enum class Exceeded : std::uint8_t { nothing, tokens, requests };

struct Admission {
    Exceeded exceeded = Exceeded::nothing;
    Duration wait{}; ///< Of a refusal: until it fits if nothing else comes; a day when it never will.
    Charge charge;
    std::uint64_t number = 0; ///< For ended().
};

/// What header fields say.
struct QuotaView {
    std::int64_t limit_tokens = 0;
    std::int64_t remaining_tokens = 0;
    std::int64_t limit_requests = 0; ///< Of one slice, as on the real wire.
    std::int64_t remaining_requests = 0;
};

class Limiter {
  public:
    Limiter(const LimiterModel& model, const std::vector<LimitChange>& changes);

    [[nodiscard]] Admission admit(const Charge& charge, Time now);
    /// The request of an admission has ended.
    void ended(const Admission& admission, Time now);
    /// How long until `charge` fits if nothing else comes; zero: now. Changes nothing that counts.
    [[nodiscard]] Duration until_fits(const Charge& charge, Time now);
    [[nodiscard]] QuotaView view(Time now);
    /// Tokens that are counted now.
    [[nodiscard]] std::int64_t used(Time now);
    [[nodiscard]] std::int64_t limit(Time now);

  private:
    struct Entry {
        Time at;
        std::int64_t tokens;
        std::uint64_t number;
    };

    void move_to(Time now);
    [[nodiscard]] std::int64_t request_limit() const noexcept;
    [[nodiscard]] std::int64_t ceiling() const noexcept;
    [[nodiscard]] Duration until_tokens_fit(std::int64_t tokens, Time now) const;
    [[nodiscard]] Duration until_request_fits(Time now) const;
    [[nodiscard]] bool leaks() const noexcept;

    LimiterModel model_;
    std::vector<LimitChange> changes_;
    double factor_ = 1;
    std::size_t next_change_ = 0;
    std::deque<Entry> log_; ///< Of the window; gcra and ptu: none.
    std::int64_t sum_ = 0;
    std::int64_t window_ = 0; ///< Of fixed: its number.
    double level_ = 0;        ///< Of gcra and ptu.
    Time leaked_at_{};
    std::deque<Time> requests_;
    std::uint64_t admitted_ = 0;
};

} // namespace headroom::lab
