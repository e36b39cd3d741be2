// A deployment's quota of requests as far as we know: how many may come in a short slice of time, and how
// many did. Azure judges requests per minute over slices of 1 or 10 seconds (Azure OpenAI quota
// documentation); which one is told by the limit in the headers, or by refusals. Shared by every shard,
// lock-free.
#pragma once

#include "balance/moment.hpp"
#include "balance/window.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace headroom::balance {

/// One request's place in the count.
struct RequestCharge {
    WindowCharge ten;
    WindowCharge one;
};

class RequestQuota {
  public:
    /// The quota in requests per minute, 0 = unknown; `told`: configured, not derived from the tokens.
    void configure(std::int64_t per_minute, bool told) noexcept;

    void advance(const Moment& now) noexcept;
    /// Requests per slice, 0 = unknown.
    [[nodiscard]] std::int64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    /// The length of a slice in ticks: 1 or 10.
    [[nodiscard]] std::uint32_t slice() const noexcept { return slice_.load(std::memory_order_relaxed); }
    /// The limit is configured, told by the backend or found out by its refusals, not derived from the
    /// tokens.
    [[nodiscard]] bool certain() const noexcept {
        return told_.load(std::memory_order_relaxed) || seen_.load(std::memory_order_relaxed);
    }
    /// What counts against the limit now.
    [[nodiscard]] std::int64_t used() const noexcept { return slice() == 1 ? one_.total() : ten_.total(); }

    /// Requests of the last ten ticks.
    [[nodiscard]] std::int64_t recent_ten() const noexcept { return ten_.total(); }

    /// Takes one request if the slice has room; false changes nothing.
    bool try_take(const Moment& now, RequestCharge& charge) noexcept;
    /// Takes one whatever was counted.
    void take(const Moment& now, RequestCharge& charge) noexcept;
    /// The backend never counted it.
    void give_back(RequestCharge& charge) noexcept;

    /// When one more will fit, in nanoseconds of the clock; now.ns when it fits now.
    [[nodiscard]] std::int64_t opening_ns(const Moment& now) const noexcept;

    /// x-ratelimit-limit-requests, which is per slice where there are slices.
    void learn_limit(std::int64_t limit) noexcept;
    /// A refusal for too many requests although our count had room: the slice is shorter, or the limit lower.
    void learn_refusal(const Moment& now) noexcept;
    /// An answer: a limit that was lowered by refusals alone rises again, little by little.
    void learn_admitted(const Moment& now) noexcept;

  private:
    std::atomic<std::int64_t> limit_{0};
    std::atomic<std::uint32_t> slice_{10};
    std::atomic<std::int64_t> per_minute_{0};
    std::atomic<bool> told_{false};
    std::atomic<bool> seen_{false};         ///< By headers or refusals.
    std::atomic<std::int64_t> top_{0};      ///< What a lowered limit may rise to; 0: it is not lowered.
    std::atomic<std::uint32_t> changed_{0}; ///< Tick of the last change of a lowered limit.
    Window<103, 32> ten_;
    Window<12, 32> one_;
};

} // namespace headroom::balance
