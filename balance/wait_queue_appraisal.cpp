// Who gives way when not all that wait can be served in time.
// Turning somebody away is then unavoidable, and tokens are served in any case; how many requests fail
// depends on who it is. So the walk of turns is gone through with what the quotas will have (Supply), and
// where one would come too late, one of its own tenant's up to there gives way: the one that makes most room
// for what its tokens are worth (Moore, An n job, one machine sequencing algorithm, Management Science 1968).
// Only of its tenant's: what tenants get stays what turns give them. Nobody is turned away here: who gives
// way has its turn after the others, and is first again as soon as there is enough for all.
#include "balance/wait_queue.hpp"

#include <algorithm>
#include <utility>

namespace headroom::balance {
namespace {

// The charge of one that gives way goes to others; a tenth more than it would have made of it is what having
// served more of them is worth. Without that, the dense ones would be kept however large; with much more,
// those would go first that use what they are charged.
constexpr double worth_of_room = 1.1;
// Appraised twice a second: the curve moves by what enters and leaves a quota in a quarter of one.
constexpr int appraisals_per_step = 2 * static_cast<int>(Supply::ticks_per_step);
// Shares are of the last minute or so.
constexpr double fading = 0.99;
constexpr double share_min = 1.0 / 64;

} // namespace

struct WaitQueue::Easiest {
    /// Both heaps in one; `a` and `b` may be empty. As deep as the logarithm of what they hold.
    static Entry* merged(Entry* a, Entry* b) noexcept {
        if (a == nullptr || b == nullptr) return a != nullptr ? a : b;
        if (a->ease_ < b->ease_) std::swap(a, b);
        a->right_ = merged(a->right_, b);
        const auto rank = [](const Entry* entry) { return entry != nullptr ? entry->rank_ : 0; };
        if (rank(a->left_) < rank(a->right_)) std::swap(a->left_, a->right_);
        a->rank_ = rank(a->right_) + 1;
        return a;
    }
    static void add(Entry*& top, Entry& entry) noexcept {
        entry.ease_ = worth_of_room * entry.charge() - static_cast<double>(entry.expected.count());
        entry.rank_ = 1;
        entry.left_ = entry.right_ = nullptr;
        top = merged(top, &entry);
    }
    static Entry& take(Entry*& top) noexcept {
        Entry& taken = *top;
        top = merged(taken.left_, taken.right_);
        return taken;
    }
};

void WaitQueue::appraise(Lane& lane, Time now) {
    if (now < lane.appraise_at) return;
    begin_walk(lane);
    if (steps_.empty()) return;
    const Supply supply = keeper_.supply(*steps_.front().entry);
    lane.appraise_at = now + supply.step() / appraisals_per_step;
    keep_in_time(lane, supply, share_of(lane, supply), now);
}

// Others, too, take from the same quotas: other shards, each with its own queue.
double WaitQueue::share_of(Lane& lane, const Supply& supply) noexcept {
    const bool first = lane.charged == 0;
    const auto charged = static_cast<double>(supply.charged() - lane.charged);
    lane.lately_sent = lane.lately_sent * fading + std::exchange(lane.sent, 0);
    lane.lately_charged = lane.lately_charged * fading + (first ? 0 : std::max(0.0, charged));
    lane.charged = supply.charged();
    if (first) lane.lately_sent = 0;
    if (lane.lately_sent >= lane.lately_charged) return 1;
    return std::max(share_min, lane.lately_sent / lane.lately_charged);
}

// Expects begin_walk().
void WaitQueue::keep_in_time(Lane& lane, const Supply& supply, double share, Time now) {
    for (std::uint32_t i = lane.flows; i != none; i = flows_[i].next)
        flows_[i].easiest = nullptr;
    double ahead = 0;
    while (!steps_.empty()) {
        Step step = pop();
        Entry& entry = *step.entry;
        Flow& flow = flows_[entry.flow_];
        entry.gives_way_ = false;
        Easiest::add(flow.easiest, entry);
        ahead += entry.charge();
        step.service += entry.charge() / flow.weight;
        if (ahead > share * supply.until(entry.deadline - now)) {
            Entry& easiest = Easiest::take(flow.easiest);
            easiest.gives_way_ = true;
            ahead -= easiest.charge();
            step.service -= easiest.charge() / flow.weight;
        }
        if (entry.next_ != nullptr) push({step.service, entry.next_});
    }
}

} // namespace headroom::balance
