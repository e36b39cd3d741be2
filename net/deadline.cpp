// The wheel behind Deadline: one list per tick, rounds told apart by the deadline's own time.
#include "net/deadline.hpp"

#include "net/assert.hpp"

#include <algorithm>
#include <bit>

namespace headroom::net {

void Deadline::arm(Time at) noexcept {
    at_ = at;
    if (armed_) {
        // Moving outwards, as an idle deadline does with every chunk, costs two stores: the wheel finds out
        // when it passes the old place.
        if (at >= filed_for_) return;
        wheel_->unlink(*this);
    }
    wheel_->place(*this);
}

void Deadline::disarm() noexcept {
    if (armed_) wheel_->unlink(*this);
}

std::uint64_t Deadlines::tick_of(Time at) const noexcept {
    if (at <= origin_) return 0;
    const Duration since = at - origin_;
    return static_cast<std::uint64_t>(since / tick) + (since % tick != Duration::zero() ? 1 : 0);
}

void Deadlines::place(Deadline& deadline) noexcept {
    const std::uint64_t due = std::max(tick_of(deadline.at_), current_ + 1);
    const std::size_t slot = due % slots;
    Deadline*& head = slots_[slot];
    deadline.next_ = head;
    deadline.link_ = &head;
    if (head != nullptr) head->link_ = &deadline.next_;
    head = &deadline;
    deadline.filed_for_ = deadline.at_;
    deadline.armed_ = true;
    occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    ++armed_count_;
}

void Deadlines::unlink(Deadline& deadline) noexcept {
    *deadline.link_ = deadline.next_;
    if (deadline.next_ != nullptr) deadline.next_->link_ = deadline.link_;
    deadline.next_ = nullptr;
    deadline.link_ = nullptr;
    deadline.armed_ = false;
    --armed_count_;
}

void Deadlines::advance(Time now) noexcept {
    if (now < origin_) return;
    const auto target = static_cast<std::uint64_t>((now - origin_) / tick);
    if (target <= current_) return;
    // After a long sleep every slot is visited once, not once per tick that was missed.
    if (target - current_ > slots) current_ = target - slots;
    while (current_ < target) {
        if (armed_count_ == 0) {
            current_ = target;
            return;
        }
        visit(++current_, target);
    }
}

void Deadlines::visit(std::uint64_t at_tick, std::uint64_t target) noexcept {
    const std::size_t slot = at_tick % slots;
    occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    // The list is taken off the wheel first: what a callback arms for this slot belongs to a later round.
    Deadline* due = slots_[slot];
    if (due == nullptr) return;
    slots_[slot] = nullptr;
    due->link_ = &due;
    while (due != nullptr) {
        Deadline& deadline = *due;
        unlink(deadline);
        if (tick_of(deadline.at_) > target) {
            place(deadline);
        } else {
            deadline.expired_(deadline.context_);
        }
    }
}

Duration Deadlines::sleep_bound(Time now) const noexcept {
    if (armed_count_ == 0) return Duration::max();
    // The next occupied slot after `current_`, word by word around the wheel.
    const std::uint64_t first = current_ + 1;
    for (std::uint64_t step = 0; step < slots;) {
        const std::size_t slot = (first + step) % slots;
        const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
        if (word != 0) {
            const std::uint64_t next = first + step + static_cast<std::uint64_t>(std::countr_zero(word));
            const Time at = origin_ + tick * static_cast<Duration::rep>(next);
            return at > now ? at - now : Duration::zero();
        }
        step += 64 - slot % 64;
    }
    return Duration::max();
}

} // namespace headroom::net
