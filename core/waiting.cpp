// From turns of the queue to coroutines that go on.
#include "core/waiting.hpp"

#include "core/exchange.hpp"

#include <utility>

namespace headroom::core {

using State = balance::WaitQueue::Entry::State;

Turn::Turn(Exchange& exchange) noexcept : exchange_(exchange) {
    place_.turn = this;
}

Turn::~Turn() {
    exchange_.shard().waiting().leave(*this);
}

void Turn::attend() noexcept {
    attended_ = true;
    resume();
}

void Turn::resume() noexcept {
    if (waiter_) exchange_.shard().loop().resume_soon(std::exchange(waiter_, {}));
}

Waiting::Waiting(net::Loop& loop, const balance::WaitQueueOptions& options, WaitCounters& counters)
    : loop_(loop),
      queue_(options, *this),
      counters_(counters),
      alarm_(loop.deadlines(), [](void* self) { static_cast<Waiting*>(self)->on_alarm(); }, this) {}

Waiting::~Waiting() = default;

bool Waiting::join(Turn& turn) {
    const bool joined = queue_.join(turn.place_, loop_.now());
    if (joined) {
        counters_.now.add();
        queue_.dispatch(turn.place_.lane, loop_.now());
    } else {
        counters_.ended[static_cast<std::size_t>(State::full)].add();
    }
    set_alarm();
    return joined;
}

void Waiting::leave(Turn& turn) noexcept {
    if (!turn.waiting()) return;
    queue_.leave(turn.place_);
    counters_.now.subtract();
    counters_.ended[static_cast<std::size_t>(State::idle)].add();
    // it may have been the first one, which others waited behind
    room_may_be(turn.place_.lane);
}

void Waiting::room_may_be(std::uint64_t lane) noexcept {
    if (!queue_.busy(lane)) return;
    room_ = true;
    alarm_.arm(loop_.now());
}

balance::Choice Waiting::choose(balance::WaitQueue::Entry& entry, bool first) {
    return static_cast<Turn::Place&>(entry).turn->exchange_.choose_in_turn(first);
}

balance::Choice Waiting::choose_last(balance::WaitQueue::Entry& entry) {
    return static_cast<Turn::Place&>(entry).turn->exchange_.choose_last();
}

balance::Supply Waiting::supply(balance::WaitQueue::Entry& entry) {
    return static_cast<Turn::Place&>(entry).turn->exchange_.supply_in_turn();
}

void Waiting::left(balance::WaitQueue::Entry& entry) {
    counters_.now.subtract();
    counters_.ended[static_cast<std::size_t>(entry.state)].add();
    static_cast<Turn::Place&>(entry).turn->resume();
}

void Waiting::on_alarm() {
    room_ = false;
    queue_.dispatch_all(loop_.now());
    set_alarm();
}

void Waiting::set_alarm() noexcept {
    if (room_) return;
    const balance::Time at = queue_.wake_at();
    if (at == balance::Time::max()) {
        alarm_.disarm();
    } else {
        alarm_.arm(at);
    }
}

} // namespace headroom::core
