// Waiting: the requests of one shard that wait for quota, and the alarm that gives them their turns.
// Owned by the shard. Turns are given when an opening is due, when somebody comes, and when something of this
// shard ends; never by polling. Not here: in which order (balance/wait_queue.hpp).
#pragma once

#include "balance/wait_queue.hpp"
#include "core/counters.hpp"
#include "net/deadline.hpp"
#include "net/loop.hpp"

#include <coroutine>
#include <cstdint>

namespace headroom::core {

class Exchange;

/// One exchange's place in the queue; lives in the frame that waits. Awaiting it ends when the turn has come,
/// when waiting has become useless, or when attend() was called.
class Turn {
  public:
    /// Its lane, tenant, deadline and cost are the exchange's to fill in.
    explicit Turn(Exchange& exchange) noexcept;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

    balance::WaitQueue::Entry& entry() noexcept { return place_; }
    [[nodiscard]] bool waiting() const noexcept {
        return place_.state == balance::WaitQueue::Entry::State::waiting;
    }
    /// Ends the wait that is awaited, so that the exchange's flags are looked at; the place is kept.
    void attend() noexcept;

    bool await_ready() noexcept { return !waiting() || attended_; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
    void await_resume() noexcept { attended_ = false; }

  private:
    friend class Waiting;
    struct Place : balance::WaitQueue::Entry {
        Turn* turn = nullptr;
    };
    void resume() noexcept;

    Exchange& exchange_;
    Place place_;
    std::coroutine_handle<> waiter_;
    bool attended_ = false;
};

class Waiting final : public balance::WaitQueue::Keeper {
  public:
    Waiting(net::Loop& loop, const balance::WaitQueueOptions& options, WaitCounters& counters);
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() override;

    /// Whether a newcomer must get in line.
    [[nodiscard]] bool busy(std::uint64_t lane) const noexcept { return queue_.busy(lane); }
    /// Gets in line, and perhaps has its turn at once; false when there is no room: the entry says so.
    bool join(Turn& turn);
    /// Takes it out if it is still in.
    void leave(Turn& turn) noexcept;
    /// Something of this shard ended, so that there may be room in `lane`: turns are given soon.
    void room_may_be(std::uint64_t lane) noexcept;
    /// As WaitQueue::correct.
    void correct(std::uint64_t lane, std::uint64_t tenant, double weight, balance::Tokens more) noexcept {
        queue_.correct(lane, tenant, weight, more);
    }

  private:
    balance::Choice choose(balance::WaitQueue::Entry& entry, bool first) override;
    balance::Choice choose_last(balance::WaitQueue::Entry& entry) override;
    balance::Supply supply(balance::WaitQueue::Entry& entry) override;
    void left(balance::WaitQueue::Entry& entry) override;
    void on_alarm();
    void set_alarm() noexcept;

    net::Loop& loop_;
    balance::WaitQueue queue_;
    WaitCounters& counters_;
    net::Deadline alarm_;
    bool room_ = false; ///< The alarm is set for the next turn of the loop.
};

} // namespace headroom::core
