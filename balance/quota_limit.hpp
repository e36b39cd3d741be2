// A deployment's tokens per minute as they really are: configured, told by headers, or found out by refusals;
// and the margin that keeps refusals rare. Shared by every shard, lock-free; a lost update between two
// threads costs one adjustment, nothing else.
#pragma once

#include "balance/moment.hpp"

#include <atomic>
#include <cstdint>

namespace headroom::balance {

/// The default of QuotaLimit::hold_refusals_at.
inline constexpr unsigned refusals_per_1000 = 1;

class QuotaLimit {
  public:
    /// Where the limit in force comes from.
    enum class Source : std::uint8_t { unknown, configured, header, refusals };

    void configure(std::int64_t limit) noexcept;
    /// How many of 1,000 requests the backend may refuse, 1 at least: the margin is steered to it (integral
    /// control). To be called before the limit is shared.
    void hold_refusals_at(unsigned per_1000) noexcept;

    /// Tokens per minute, 0 = unknown.
    [[nodiscard]] std::int64_t effective() const noexcept {
        return effective_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t configured() const noexcept {
        return configured_.load(std::memory_order_relaxed);
    }
    /// Up to where requests are promised: the limit less the margin; 0 = unknown.
    [[nodiscard]] std::int64_t ceiling() const noexcept { return less_margin(effective()); }
    /// `tokens` less the margin.
    [[nodiscard]] std::int64_t less_margin(std::int64_t tokens) const noexcept;
    [[nodiscard]] double margin() const noexcept;
    /// As configured or told by header fields, the lower one; 0 = neither.
    [[nodiscard]] std::int64_t known() const noexcept;
    [[nodiscard]] Source source() const noexcept { return source_.load(std::memory_order_relaxed); }
    /// Since when (Moment::ms) the limit is what it is; 0 = always.
    [[nodiscard]] std::int64_t since_ms() const noexcept { return since_ms_.load(std::memory_order_relaxed); }

    /// x-ratelimit-limit-tokens; a configured limit is never exceeded.
    void learn_header(std::int64_t limit, const Moment& now) noexcept;
    /// A refusal proves that the limit is `proven` at most.
    void learn_refusal(std::int64_t proven, const Moment& now) noexcept;
    /// What refusals seemed to prove has another reason: it is what is known again.
    void restore(const Moment& now) noexcept;
    /// A request that was predicted to fit was refused.
    void widen() noexcept;
    /// A request was admitted where refusals may be `times` as frequent as windows' are.
    void narrow(std::uint32_t times) noexcept;
    /// A request was admitted; `counted` with it.
    void admitted(std::int64_t counted, const Moment& now) noexcept;

  private:
    static constexpr std::uint32_t margin_step = 4'000; ///< Millionths, after a refusal.

    void set(std::int64_t limit, Source source, const Moment& now) noexcept;
    void grow(std::int64_t limit, const Moment& now) noexcept;

    std::atomic<std::int64_t> effective_{0};
    std::atomic<std::int64_t> configured_{0};
    std::atomic<std::int64_t> header_{0};
    std::atomic<std::int64_t> since_ms_{0};
    std::uint32_t margin_return_ = margin_step / 1000 * refusals_per_1000; ///< After a request is admitted.
    std::atomic<std::uint32_t> margin_{0};                                 ///< Millionths.
    std::atomic<std::uint32_t> tried_{0};    ///< Tick at which a limit found by refusals was last changed.
    std::atomic<std::uint32_t> patience_{1}; ///< Windows until it is raised again.
    std::atomic<Source> source_{Source::unknown};
};

} // namespace headroom::balance
