// The requests of one shard that wait for room, and whose turn it is.
// Owned by one shard; nothing is allocated after construction, an entry lives in its owner. A lane is what
// has a quota of its own (a deployment): lanes do not hold each other up. In a lane the tenant that has had
// the least is served first (virtual token counters: Sheng et al., Fairness in Serving Large Language Models,
// OSDI 2024), and of one tenant's requests the one with the earliest deadline. What is behind the first one
// may go before it where it fits beside (EASY backfilling: Lifka 1995; that it does not delay the first one
// is the balancer's promise, see Demand::claims). When not all can be served in time, some give way: as few
// of each tenant's as possible (Moore 1968), so the large ones (wait_queue_appraisal.cpp).
// Not here: how somebody who waits is woken (core/waiting.hpp), what fits where (balancer.hpp).
#pragma once

#include "balance/balancer.hpp"
#include "balance/quantities.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom::balance {

/// Bounds of a queue.
struct WaitQueueOptions {
    std::size_t length_max = 10'000;                    ///< Requests that wait at once; 0: none may.
    std::uint64_t bytes_max = std::uint64_t{64} << 20U; ///< Of bodies that wait.
};

class WaitQueue {
  public:
    /// (lane, tenant) pairs that are remembered; tenants beyond share with others of their lane.
    static constexpr std::size_t flows_max = 1024;
    /// Lanes that wait at once; those beyond share the last one, which costs them nothing but order.
    static constexpr std::size_t lanes_max = 64;
    /// So many that do not fit are asked for in one lane before the rest of it must wait for the next time.
    static constexpr unsigned backfill_max = 32;
    /// So many are looked at for that, with those that give way.
    static constexpr unsigned looks_max = 256;

    /// One request that may wait; stays where it is while it does.
    struct Entry {
        enum class State : std::uint8_t {
            idle,    ///< Not in a queue, or taken out by its owner.
            waiting, ///< In the queue.
            sent,    ///< `choice` has its lease.
            refused, ///< No backend can have it in time: `choice` says when one could.
            expired, ///< Its deadline has passed.
            full,    ///< It had to make room, or found none.
        };

        Time deadline{};          ///< When waiting becomes useless.
        std::uint64_t lane = 0;   ///< Hash of the deployment.
        std::uint64_t tenant = 0; ///< Keyed hash of who asks.
        double weight = 1;        ///< Of the tenant; above 0.
        Tokens cost;
        Tokens expected;         ///< What it will probably use of that.
        std::uint64_t bytes = 0; ///< Memory that its body holds.

        State state = State::idle;
        /// Once it is out: the lease, or for how long a retry is useless (at least 1 ms).
        Choice choice{};

        /// Not all of its lane can be served in time, so that others go before it.
        [[nodiscard]] bool gives_way() const noexcept { return gives_way_; }

      private:
        friend class WaitQueue;
        /// What costs no tokens still costs a request.
        [[nodiscard]] double charge() const noexcept {
            return static_cast<double>(std::max<std::int64_t>(1, cost.count()));
        }
        std::uint32_t flow_ = 0;
        Entry* next_ = nullptr;
        Entry* previous_ = nullptr;
        bool gives_way_ = false; ///< It is not first while others wait.
        // In a leftist heap of those that the appraisal could let give way, the first to do so on top.
        double ease_ = 0;
        unsigned rank_ = 0;
        Entry* left_ = nullptr;
        Entry* right_ = nullptr;
    };

    /// Who owns the entries.
    class Keeper {
      public:
        virtual ~Keeper() = default;
        /// Asks the balancer; `first`: nobody of its lane is before it. With patience for any opening:
        /// whether that is in time is the queue's to judge.
        virtual Choice choose(Entry& entry, bool first) = 0;
        /// Asks it once more before `entry` is turned away, with no patience to speak of: a backend of which
        /// little is known may be tried against the prediction.
        virtual Choice choose_last(Entry& entry) = 0;
        /// What the backends of the entry's lane will have, in tokens as entries like it cost.
        virtual Supply supply(Entry& entry) = 0;
        /// `entry` is out of the queue, its state says how; the queue must not be touched from inside. Not
        /// told of leave() and of a join() that fails.
        virtual void left(Entry& entry) = 0;
    };

    WaitQueue(const WaitQueueOptions& options, Keeper& keeper);
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// Whether somebody waits in that lane, so that a newcomer must get in line.
    [[nodiscard]] bool busy(std::uint64_t lane) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// Gets in line. A full queue keeps out the latest of the tenant that holds most of it for its weight;
    /// false when that is `entry` itself (its state is `full` then).
    bool join(Entry& entry, Time now);
    /// The owner takes it out; no-op when it is out.
    void leave(Entry& entry) noexcept;
    /// Gives turns in the lane of `lane`, or in all lanes; ends what has expired.
    void dispatch(std::uint64_t lane, Time now);
    void dispatch_all(Time now);
    /// When dispatch_all() has something to do again; Time::max() while nobody waits.
    [[nodiscard]] Time wake_at() const noexcept;

    /// `tenant` had `more` tokens (fewer when negative) than the cost that was charged when its turn came.
    void correct(std::uint64_t lane, std::uint64_t tenant, double weight, Tokens more) noexcept;

  private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::size_t ways = 8;

    /// What one tenant has in one lane.
    struct Flow {
        std::uint64_t lane = 0;
        std::uint64_t tenant = 0;
        std::uint64_t epoch = 0;  ///< Of the lane; another one: its service is forgotten.
        std::uint64_t joined = 0; ///< When it last became busy, in joins.
        double service = 0;       ///< Tokens it had, by weight.
        double weight = 1;
        Entry* head = nullptr; ///< Earliest deadline first.
        Entry* tail = nullptr;
        Entry* easiest = nullptr;  ///< Top of the heap while its lane is appraised.
        std::uint32_t next = none; ///< Busy flows of the lane.
        std::uint32_t previous = none;
        std::uint32_t lane_index = 0;
        std::size_t length = 0;
        std::uint64_t bytes = 0;
    };

    struct Lane {
        std::uint64_t key = 0;
        std::uint64_t epoch = 0;
        std::uint32_t flows = none; ///< Busy ones; none: the lane is free.
        double reached = 0;         ///< What a tenant that comes anew is taken to have had.
        Time opens{};               ///< As the first one was last told; the past: not known.
        Time wake = Time::max();
        Time appraise_at{};       ///< Not before.
        double sent = 0;          ///< Tokens charged for turns since the last appraisal.
        std::int64_t charged = 0; ///< Supply::charged then.
        double lately_sent = 0;   ///< The same, older ones fading.
        double lately_charged = 0;
    };

    /// A flow's heap.
    struct Easiest;

    /// Where a walk through one flow has got to.
    struct Step {
        double service = 0;
        Entry* entry = nullptr;
        [[nodiscard]] bool after(const Step& other) const noexcept;
    };

    [[nodiscard]] std::uint32_t find_lane(std::uint64_t key) const noexcept;
    [[nodiscard]] std::uint32_t open_lane(std::uint64_t key) noexcept;
    [[nodiscard]] static Duration until_open(const Lane& lane, Time now) noexcept;
    [[nodiscard]] std::size_t set_of(std::uint64_t lane, std::uint64_t tenant) const noexcept;
    [[nodiscard]] std::uint32_t flow_for(const Entry& entry, std::uint32_t lane_index) noexcept;
    bool make_room(const Entry& newcomer, std::uint32_t newcomers_flow, Time now);
    [[nodiscard]] std::uint32_t greediest(const Entry& newcomer, std::uint32_t newcomers_flow,
                                          bool by_bytes) const noexcept;
    void insert(Entry& entry, std::uint32_t flow) noexcept;
    void remove(Entry& entry) noexcept;
    void take_out(Entry& entry, Entry::State state, Time now);
    bool send_last(Entry& entry, Time now);
    void expire(Lane& lane, Time now);
    void give_turns(Lane& lane, Time now);
    void give_turn(Lane& lane, const Step& step, unsigned& passed_over, Time now);
    void begin_walk(const Lane& lane);
    void appraise(Lane& lane, Time now);
    void keep_in_time(Lane& lane, const Supply& supply, double share, Time now);
    [[nodiscard]] static double share_of(Lane& lane, const Supply& supply) noexcept;
    void push(Step step);
    Step pop();

    WaitQueueOptions options_;
    Keeper& keeper_;
    std::vector<Flow> flows_;
    std::array<Lane, lanes_max> lanes_;
    std::vector<Step> steps_;                 ///< A heap; the next in order on top.
    std::array<Step, backfill_max> behind_{}; ///< Those that give way, in order.
    std::size_t size_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t epochs_ = 0;
    std::uint64_t joins_ = 0;
};

} // namespace headroom::balance
