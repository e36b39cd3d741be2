// Lanes of tenants' queues, and the walk through one lane in the order of turns.
#include "balance/wait_queue.hpp"

#include <algorithm>
#include <bit>

namespace headroom::balance {
namespace {

constexpr Duration least_wait = std::chrono::milliseconds(1);
// When nobody in the lane has been told an opening, or the one told has passed.
constexpr Duration unknown_wait = std::chrono::seconds(1);

} // namespace

bool WaitQueue::Step::after(const Step& other) const noexcept {
    if (service != other.service) return service > other.service;
    return entry->deadline > other.entry->deadline;
}

WaitQueue::WaitQueue(const WaitQueueOptions& options, Keeper& keeper)
    : options_(options), keeper_(keeper), flows_(flows_max) {
    steps_.reserve(flows_max);
}

std::uint32_t WaitQueue::find_lane(std::uint64_t key) const noexcept {
    std::uint32_t free = none;
    for (std::uint32_t i = 0; i < lanes_max; ++i) {
        if (lanes_[i].flows == none) {
            free = i;
        } else if (lanes_[i].key == key) {
            return i;
        }
    }
    return free == none ? lanes_max - 1 : none;
}

std::uint32_t WaitQueue::open_lane(std::uint64_t key) noexcept {
    if (const std::uint32_t found = find_lane(key); found != none) return found;
    std::uint32_t index = 0;
    while (lanes_[index].flows != none)
        ++index;
    // nobody waited: whatever tenants had before, they had without taking it from each other
    lanes_[index] = Lane{};
    lanes_[index].key = key;
    lanes_[index].epoch = ++epochs_;
    return index;
}

Duration WaitQueue::until_open(const Lane& lane, Time now) noexcept {
    return lane.opens > now ? std::max(lane.opens - now, least_wait) : unknown_wait;
}

bool WaitQueue::busy(std::uint64_t lane) const noexcept {
    return size_ != 0 && find_lane(lane) != none;
}

std::size_t WaitQueue::set_of(std::uint64_t lane, std::uint64_t tenant) const noexcept {
    const std::uint64_t mixed = (tenant ^ std::rotl(lane, 29)) * 0x9e3779b97f4a7c15U;
    return (mixed >> 32) % (flows_max / ways) * ways;
}

std::uint32_t WaitQueue::flow_for(const Entry& entry, std::uint32_t lane_index) noexcept {
    Lane& lane = lanes_[lane_index];
    const auto begin = static_cast<std::uint32_t>(set_of(lane.key, entry.tenant));
    std::uint32_t oldest = none;
    for (std::uint32_t i = begin; i < begin + ways; ++i) {
        const Flow& flow = flows_[i];
        if (flow.lane == lane.key && flow.tenant == entry.tenant && flow.epoch == lane.epoch) return i;
        if (flow.head == nullptr && (oldest == none || flow.joined < flows_[oldest].joined)) oldest = i;
    }
    // too many tenants at once: it waits among those of another one of its lane
    if (oldest == none) return lane.flows != none ? lane.flows : none;
    Flow& flow = flows_[oldest];
    flow = Flow{};
    flow.lane = lane.key;
    flow.tenant = entry.tenant;
    flow.epoch = lane.epoch;
    return oldest;
}

bool WaitQueue::join(Entry& entry, Time now) {
    const std::uint32_t lane_index = open_lane(entry.lane);
    const std::uint32_t index = flow_for(entry, lane_index);
    Lane& lane = lanes_[lane_index];
    if (index == none || entry.bytes > options_.bytes_max || !make_room(entry, index, now)) {
        entry.state = Entry::State::full;
        entry.choice.quota = true;
        entry.choice.retry_after = until_open(lane, now);
        return false;
    }
    Flow& flow = flows_[index];
    flow.weight = entry.weight > 0 ? entry.weight : 1;
    if (flow.head == nullptr) {
        // making room may have emptied the lane, and a lane that was empty begins anew
        flow.service = std::max(flow.service, lane.reached);
        flow.joined = ++joins_;
        flow.lane_index = lane_index;
        flow.previous = none;
        flow.next = lane.flows;
        if (lane.flows != none) flows_[lane.flows].previous = index;
        lane.flows = index;
    }
    insert(entry, index);
    lane.wake = std::min(lane.wake, entry.deadline);
    return true;
}

void WaitQueue::insert(Entry& entry, std::uint32_t index) noexcept {
    Flow& flow = flows_[index];
    Entry* before = flow.tail; // deadlines mostly come in order
    while (before != nullptr && before->deadline > entry.deadline)
        before = before->previous_;
    entry.previous_ = before;
    entry.next_ = before != nullptr ? before->next_ : flow.head;
    (before != nullptr ? before->next_ : flow.head) = &entry;
    (entry.next_ != nullptr ? entry.next_->previous_ : flow.tail) = &entry;
    entry.flow_ = index;
    entry.state = Entry::State::waiting;
    entry.gives_way_ = false;
    ++flow.length;
    flow.bytes += entry.bytes;
    ++size_;
    bytes_ += entry.bytes;
}

void WaitQueue::remove(Entry& entry) noexcept {
    Flow& flow = flows_[entry.flow_];
    (entry.previous_ != nullptr ? entry.previous_->next_ : flow.head) = entry.next_;
    (entry.next_ != nullptr ? entry.next_->previous_ : flow.tail) = entry.previous_;
    entry.next_ = entry.previous_ = nullptr;
    --flow.length;
    flow.bytes -= entry.bytes;
    --size_;
    bytes_ -= entry.bytes;
    if (flow.head != nullptr) return;
    (flow.previous != none ? flows_[flow.previous].next : lanes_[flow.lane_index].flows) = flow.next;
    if (flow.next != none) flows_[flow.next].previous = flow.previous;
    flow.next = flow.previous = none;
}

void WaitQueue::leave(Entry& entry) noexcept {
    if (entry.state != Entry::State::waiting) return;
    remove(entry);
    entry.state = Entry::State::idle;
}

void WaitQueue::take_out(Entry& entry, Entry::State state, Time now) {
    const Lane& lane = lanes_[flows_[entry.flow_].lane_index];
    if (state == Entry::State::expired || state == Entry::State::full) {
        entry.choice = Choice{};
        entry.choice.quota = true;
        entry.choice.retry_after = until_open(lane, now);
    }
    remove(entry);
    entry.state = state;
    keeper_.left(entry);
}

// Prediction alone turns nobody away.
bool WaitQueue::send_last(Entry& entry, Time now) {
    Choice choice = keeper_.choose_last(entry);
    if (choice.kind != Choice::Kind::send) return false;
    Flow& flow = flows_[entry.flow_];
    flow.service += entry.charge() / flow.weight;
    lanes_[flow.lane_index].sent += static_cast<double>(choice.lease.cost().count());
    entry.choice = std::move(choice);
    take_out(entry, Entry::State::sent, now);
    return true;
}

// As with buffers in routers, room is taken from whoever holds most of it, so that nobody can keep others out
// by filling the queue.
bool WaitQueue::make_room(const Entry& newcomer, std::uint32_t newcomers_flow, Time now) {
    while (true) {
        const bool by_length = size_ >= options_.length_max;
        const bool by_bytes = bytes_ + newcomer.bytes > options_.bytes_max;
        if (!by_length && !by_bytes) return true;
        const std::uint32_t victim = greediest(newcomer, newcomers_flow, by_bytes && !by_length);
        if (victim == none) return false;
        Entry* latest = flows_[victim].tail;
        if (latest == nullptr) return false;
        if (victim == newcomers_flow && latest->deadline <= newcomer.deadline) return false;
        take_out(*latest, Entry::State::full, now);
    }
}

std::uint32_t WaitQueue::greediest(const Entry& newcomer, std::uint32_t newcomers_flow,
                                   bool by_bytes) const noexcept {
    const auto share = [&](std::uint32_t index) {
        const Flow& flow = flows_[index];
        const bool own = index == newcomers_flow;
        const double weight = own && newcomer.weight > 0 ? newcomer.weight : flow.weight;
        const auto held = by_bytes ? flow.bytes + (own ? newcomer.bytes : 0) : flow.length + (own ? 1U : 0U);
        return static_cast<double>(held) / weight;
    };
    std::uint32_t most = newcomers_flow;
    double most_share = share(newcomers_flow);
    for (const Lane& lane : lanes_) {
        for (std::uint32_t i = lane.flows; i != none; i = flows_[i].next) {
            const double its = share(i);
            if (its > most_share) {
                most = i;
                most_share = its;
            }
        }
    }
    return most;
}

void WaitQueue::push(Step step) {
    steps_.push_back(step);
    std::push_heap(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) { return a.after(b); });
}

WaitQueue::Step WaitQueue::pop() {
    std::pop_heap(steps_.begin(), steps_.end(), [](const Step& a, const Step& b) { return a.after(b); });
    const Step step = steps_.back();
    steps_.pop_back();
    return step;
}

void WaitQueue::expire(Lane& lane, Time now) {
    for (std::uint32_t i = lane.flows; i != none;) {
        const std::uint32_t next = flows_[i].next;
        while (flows_[i].head != nullptr && flows_[i].head->deadline <= now) {
            Entry& entry = *flows_[i].head;
            if (!send_last(entry, now)) take_out(entry, Entry::State::expired, now);
        }
        i = next;
    }
}

void WaitQueue::begin_walk(const Lane& lane) {
    steps_.clear();
    for (std::uint32_t i = lane.flows; i != none; i = flows_[i].next)
        push({flows_[i].service, flows_[i].head});
}

void WaitQueue::give_turns(Lane& lane, Time now) {
    appraise(lane, now);
    begin_walk(lane);
    if (!steps_.empty()) lane.reached = std::max(lane.reached, steps_.front().service);
    lane.wake = Time::max();
    unsigned passed_over = 0;
    std::size_t behind = 0;
    for (unsigned looks = 0; !steps_.empty() && passed_over < backfill_max && looks < looks_max; ++looks) {
        const Step step = pop();
        if (!step.entry->gives_way_) {
            give_turn(lane, step, passed_over, now);
            continue;
        }
        if (behind < behind_.size()) behind_[behind++] = step;
        if (step.entry->next_ != nullptr) push({step.service, step.entry->next_});
    }
    for (std::size_t i = 0; i < behind && passed_over < backfill_max; ++i) {
        steps_.clear(); // whoever follows one of these has had a turn
        give_turn(lane, behind_[i], passed_over, now);
    }
    for (std::uint32_t i = lane.flows; i != none; i = flows_[i].next)
        lane.wake = std::min(lane.wake, flows_[i].head->deadline);
}

void WaitQueue::give_turn(Lane& lane, const Step& step, unsigned& passed_over, Time now) {
    Entry& entry = *step.entry;
    Entry* const following = entry.next_;
    Flow& flow = flows_[entry.flow_];
    const double cost = entry.charge() / flow.weight;
    Choice choice = keeper_.choose(entry, passed_over == 0);
    const Time opens = now + std::max(choice.retry_after, least_wait);
    if (choice.kind == Choice::Kind::send) {
        flow.service += cost;
        lane.sent += static_cast<double>(choice.lease.cost().count());
        entry.choice = std::move(choice);
        take_out(entry, Entry::State::sent, now);
    } else if (choice.kind == Choice::Kind::wait && opens <= entry.deadline) {
        if (passed_over++ == 0) lane.opens = opens;
        lane.wake = std::min(lane.wake, opens);
    } else if (!send_last(entry, now)) {
        if (choice.kind == Choice::Kind::wait) choice.quota = true;
        choice.kind = Choice::Kind::refuse;
        choice.retry_after = std::max(choice.retry_after, least_wait);
        entry.choice = std::move(choice);
        take_out(entry, Entry::State::refused, now);
        if (following != nullptr) push({step.service, following});
        return;
    }
    if (following != nullptr) push({step.service + cost, following});
}

void WaitQueue::dispatch(std::uint64_t lane, Time now) {
    const std::uint32_t index = find_lane(lane);
    if (index == none) return;
    expire(lanes_[index], now);
    give_turns(lanes_[index], now);
}

void WaitQueue::dispatch_all(Time now) {
    for (Lane& lane : lanes_) {
        if (lane.flows == none) continue;
        expire(lane, now);
        give_turns(lane, now);
    }
}

Time WaitQueue::wake_at() const noexcept {
    Time soonest = Time::max();
    for (const Lane& lane : lanes_) {
        if (lane.flows != none) soonest = std::min(soonest, lane.wake);
    }
    return soonest;
}

void WaitQueue::correct(std::uint64_t lane, std::uint64_t tenant, double weight, Tokens more) noexcept {
    const std::uint32_t index = find_lane(lane);
    if (index == none) return;
    const std::size_t begin = set_of(lane, tenant);
    for (std::size_t i = begin; i < begin + ways; ++i) {
        Flow& flow = flows_[i];
        if (flow.lane != lane || flow.tenant != tenant || flow.epoch != lanes_[index].epoch) continue;
        flow.service += static_cast<double>(more.count()) / (weight > 0 ? weight : 1);
        return;
    }
}

} // namespace headroom::balance
