// What the tests of the queue share: entries, answers, and a keeper that does as the test says.
#pragma once

#include "balance/wait_queue.hpp"

#include <functional>
#include <vector>

namespace headroom::balance {

using namespace std::chrono_literals;
using Entry = WaitQueue::Entry;
using State = WaitQueue::Entry::State;

inline constexpr Time queue_start{1h};

inline Entry entry(Duration patience, std::uint64_t tenant = 1, std::int64_t cost = 100,
                   std::uint64_t lane = 7) {
    Entry made;
    made.deadline = queue_start + patience;
    made.lane = lane;
    made.tenant = tenant;
    made.cost = Tokens(cost);
    return made;
}

inline Choice sends() {
    Choice choice;
    choice.kind = Choice::Kind::send;
    return choice;
}

inline Choice waits(Duration opening) {
    Choice choice;
    choice.kind = Choice::Kind::wait;
    choice.retry_after = opening;
    return choice;
}

/// Of backends without a limit that is known.
inline Supply plenty() {
    const Slot slot;
    Supply supply;
    supply.add(slot, Tokens(1), Tokens(1), Moment{});
    return supply;
}

/// Of a bucket that has `free` tokens, at most a minute's, and gets so many per second; `charged` were ever
/// taken from it.
inline Supply drip(std::int64_t free, std::int64_t per_second, std::int64_t charged = 0) {
    const Moment now;
    Slot slot;
    slot.set_quota(per_second * 60, 0, true);
    slot.tokens.forget_by(Forgetting::bucket, 0, now);
    slot.tokens.set_level(per_second * 60 - free, per_second * 60, now);
    slot.charged = charged;
    Supply supply;
    supply.add(slot, Tokens(1), Tokens(1), now);
    return supply;
}

/// Answers as the test says, and keeps the order.
class Script : public WaitQueue::Keeper {
  public:
    std::function<Choice(Entry&, bool)> answer = [](Entry&, bool) { return sends(); };
    std::vector<Entry*> asked;
    std::vector<Entry*> out;

    Choice choose(Entry& one, bool first) override {
        asked.push_back(&one);
        return answer(one, first);
    }
    std::function<Choice(Entry&)> last_answer = [](Entry&) { return Choice{}; };
    Choice choose_last(Entry& one) override { return last_answer(one); }
    std::function<Supply()> quota = plenty;
    Supply supply(Entry&) override { return quota(); }
    void left(Entry& one) override { out.push_back(&one); }
};

} // namespace headroom::balance
