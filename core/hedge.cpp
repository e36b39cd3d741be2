// The first attempt runs in the exchange's own coroutine, the second one behind a gate that is awaited.
#include "core/hedge.hpp"

#include "core/exchange.hpp"

#include <utility>

namespace headroom::core {

using End = Attempt::End;
using balance::HedgeEnd;

Hedge::Hedge(Exchange& exchange, net::Duration after)
    : exchange_(exchange),
      after_(after),
      late_(
          exchange.shard().loop().deadlines(), [](void* self) { static_cast<Hedge*>(self)->start(); }, this) {
}

net::Task<End> Hedge::run() {
    begun_ = exchange_.shard().loop().now();
    late_.arm(begun_ + after_);
    first_end_ = co_await exchange_.attempt().run();
    late_.disarm();
    if (!second_) co_return *first_end_;
    note_end(exchange_.attempt(), *first_end_, *second_, !second_end_);
    co_await running_.close();
    co_return finish();
}

void Hedge::start() {
    second_ = exchange_.open_hedge(exchange_.shard().loop().now() - begun_);
    if (second_) running_.spawn(run_second());
}

net::Task<void> Hedge::run_second() {
    const End end = co_await second_->run();
    second_was_first_ = !first_end_;
    second_end_ = end;
    note_end(*second_, end, exchange_.attempt(), second_was_first_);
}

void Hedge::note_end(Attempt& ended, End end, Attempt& other, bool other_runs) {
    if (end == End::failed && !ended.gives_up()) exchange_.record_attempt(ended, end);
    if (!other_runs) return;
    if (end == End::ready && wins(ended)) {
        other.give_up();
    } else if (end == End::client_gone) {
        other.cancel({net::ErrorCode::cancelled, net::Side::client, false});
    } else {
        other.hold_alone();
    }
}

/// What the second one says is an error may be true of that backend only; it is kept for when the first one
/// fails.
bool Hedge::wins(const Attempt& ready) const noexcept {
    return &ready != second_.get() || ready.succeeds();
}

End Hedge::finish() {
    const bool first = first_end_ == End::ready;
    const bool second = second_end_ == End::ready;
    if (first || second) {
        let_win(second && (!first || (second_was_first_ && wins(*second_))));
        return End::ready;
    }
    AccessRecord& record = exchange_.record();
    if (first_end_ == End::client_gone || second_end_ == End::client_gone || exchange_.ending()) {
        record.hedge = HedgeEnd::gone;
        exchange_.record_attempt(*second_, *second_end_);
        return first_end_ == End::client_gone || second_end_ == End::client_gone ? End::client_gone
                                                                                 : End::failed;
    }
    record.hedge = HedgeEnd::failed;
    exchange_.put_aside(std::move(second_));
    return End::failed;
}

void Hedge::let_win(bool second) {
    AccessRecord& record = exchange_.record();
    std::unique_ptr<Attempt> other = std::move(second_);
    if (second) other = exchange_.exchange_attempt(std::move(other));
    const End end = second ? *first_end_ : *second_end_;
    if (end == End::ready || other->gives_up()) {
        record.hedge_tokens = other->end_overtaken();
        exchange_.record_attempt(*other, End::failed);
        record.hedge = second ? HedgeEnd::won : HedgeEnd::lost;
    } else {
        record.hedge = second ? HedgeEnd::won : HedgeEnd::failed;
        exchange_.put_aside(std::move(other));
    }
    exchange_.tell_of(exchange_.attempt());
}

void Hedge::cancel(net::Error error) noexcept {
    if (second_) second_->cancel(error);
}

void Hedge::attend() noexcept {
    if (second_) second_->attend();
}

} // namespace headroom::core
