// Deadline: "call me when this phase has lasted too long", on one coarse wheel per loop.
// Resolution is Deadlines::tick; arming, moving and disarming are O(1), so that a relay may move its idle
// deadline with every chunk. Expiry is called from the loop, never from inside arm().
#pragma once

#include "net/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::net {

class Deadlines;

class Deadline {
  public:
    using Expired = void (*)(void* context);

    Deadline(Deadlines& wheel, Expired expired, void* context) noexcept
        : wheel_(&wheel), expired_(expired), context_(context) {}
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { disarm(); }

    /// Expires at `at` or up to one tick later; an armed deadline is moved.
    void arm(Time at) noexcept;
    void disarm() noexcept;
    bool armed() const noexcept { return armed_; }

  private:
    friend class Deadlines;
    Deadlines* wheel_;
    Expired expired_;
    void* context_;
    Time at_{};
    Time filed_for_{}; ///< the time its place on the wheel stands for; at_ may have moved on since
    Deadline* next_ = nullptr;
    Deadline** link_ = nullptr; ///< what points at this one while it is on the wheel
    bool armed_ = false;
};

/// The wheel of one loop; the loop advances it once per turn.
class Deadlines {
  public:
    static constexpr Duration tick = std::chrono::milliseconds(20);

    explicit Deadlines(Time start) noexcept : origin_(start) {}
    Deadlines(const Deadlines&) = delete;
    Deadlines& operator=(const Deadlines&) = delete;

    /// Calls what has expired by `now`.
    void advance(Time now) noexcept;
    /// How long the loop may sleep; Duration::max() when nothing is armed.
    Duration sleep_bound(Time now) const noexcept;
    std::size_t armed() const noexcept { return armed_count_; }

  private:
    friend class Deadline;
    static constexpr std::size_t slots = 512;

    std::uint64_t tick_of(Time at) const noexcept;
    void place(Deadline& deadline) noexcept;
    void unlink(Deadline& deadline) noexcept;
    void visit(std::uint64_t at_tick, std::uint64_t target) noexcept;

    Time origin_;
    std::uint64_t current_ = 0; ///< the last tick that was advanced to
    std::size_t armed_count_ = 0;
    std::array<Deadline*, slots> slots_{};
    std::array<std::uint64_t, slots / 64> occupied_{}; ///< a set bit may be stale: one visit too many
};

} // namespace headroom::net
