// One counter against one limit over one window: the arithmetic of a rate limiter, in the three shapes seen
// in the field. Pure: time is an argument and must not go backwards. Not here: what a request costs
// (limiter.hpp).
#pragma once

#include "tools/mock_azure/mock_time.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace headroom::mock {

/// How use is forgotten: exactly one window after it was charged, all at once at aligned borders, or
/// continuously.
enum class WindowKind { sliding, fixed, gcra };

std::optional<WindowKind> window_kind_from(std::string_view word);
std::string_view to_string(WindowKind kind);

class Meter {
  public:
    /// limit 0 means unlimited: nothing is recorded and everything fits.
    Meter(WindowKind kind, std::int64_t limit, std::chrono::nanoseconds window);

    /// What counts against the limit at `now`.
    std::int64_t used(MockTime now);
    /// Never below zero; the limit itself when unlimited.
    std::int64_t remaining(MockTime now);
    /// Time until `cost` fits; zero if it fits now, one whole window if it is above the limit and never can.
    std::chrono::nanoseconds wait_for(std::int64_t cost, MockTime now);
    /// Charges without asking: a caller that wants to be refused asks wait_for first.
    void add(std::int64_t amount, MockTime now);
    /// Takes back part of what was charged at `charged_at`; no effect once that charge has left the window.
    void release(std::int64_t amount, MockTime charged_at, MockTime now);
    /// Time until nothing counts any more.
    std::chrono::nanoseconds until_empty(MockTime now);

    /// A new limit under the same charges; a new kind or window of time forgets them.
    void reconfigure(WindowKind kind, std::int64_t limit, std::chrono::nanoseconds window);

    std::int64_t limit() const { return limit_; }
    std::chrono::nanoseconds window() const { return window_; }
    /// The most that ever counted at one instant.
    std::int64_t used_max() const { return used_max_; }

  private:
    struct Charge {
        MockTime at;
        std::int64_t amount;
    };

    void forget(MockTime now);
    std::chrono::nanoseconds drain_time(double amount) const;

    WindowKind kind_;
    std::int64_t limit_;
    std::chrono::nanoseconds window_;
    std::int64_t used_max_ = 0;
    std::int64_t used_ = 0;         // sliding and fixed
    std::deque<Charge> charges_;    // sliding
    std::int64_t window_index_ = 0; // fixed
    double level_ = 0;              // gcra
    MockTime level_at_{0};          // gcra
};

} // namespace headroom::mock
