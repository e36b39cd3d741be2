// Times and judges one exchange after another.
#include "tools/load/connection.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

namespace headroom::load {
namespace {

std::string explain(Failure verdict, int status) {
    switch (verdict) {
        case Failure::status: return fmt::format("status {} was not expected", status);
        case Failure::length: return "a body of another length";
        case Failure::body: return "another body";
        case Failure::stream: return "an event stream that did not end with its last event, or held an error";
        case Failure::malformed: return "bytes after the end of the response";
        default: return std::string{name_of(verdict)};
    }
}

} // namespace

Connection::Connection(Shift& shift, ConnectionOwner& owner)
    : shift_(&shift), owner_(&owner), check_(*shift.expectation, shift.tally.reference) {}

void Connection::open(TimePoint now) {
    state_ = State::opening;
    closing_ = false;
    has_answered_ = false;
    begun_ = now;
    start_open();
}

void Connection::begin(TimePoint intended, TimePoint now) {
    begin(intended, now, shift_->request);
}

void Connection::begin(TimePoint intended, TimePoint now, Sending sending) {
    sending_ = std::move(sending);
    begin(intended, now, std::string_view{sending_.bytes});
}

void Connection::begin(TimePoint intended, TimePoint now, std::string_view request) {
    state_ = State::busy;
    begun_ever_ = true;
    intended_ = intended;
    begun_ = now;
    measured_ = shift_->window.contains(intended);
    last_event_ = TimePoint{};
    reader_.reset(shift_->to_head);
    check_.reset();
    if (measured_) {
        ++shift_->tally.begun;
        shift_->tally.late.record(now - intended);
    }
    if (shift_->window.contains(now)) shift_->tally.done.bytes_out += request.size();
    start_write(request);
}

void Connection::tick(TimePoint now) {
    const bool waits = (state_ == State::opening || state_ == State::busy) && !closing_;
    if (!waits || now - begun_ < shift_->timeout) return;
    fail(state_ == State::opening ? Failure::connect : Failure::timeout, now, "no answer in time");
}

void Connection::opened() {
    state_ = State::idle;
    owner_->on_idle(*this, Clock::now());
}

void Connection::received(std::string_view bytes) {
    const TimePoint now = Clock::now();
    if (state_ != State::busy) {
        fail(Failure::malformed, now, "bytes that belong to no request");
        return;
    }
    if (measured_ && !reader_.begun()) shift_->tally.first_byte.record(now - intended_);
    const std::uint64_t chunks_before = reader_.chunks();
    new_events_ = 0;
    const std::size_t used = reader_.feed(bytes, *this);
    note_progress(now, bytes.size(), reader_.chunks() - chunks_before);
    if (reader_.state() == ResponseReader::State::malformed) {
        fail(Failure::malformed, now, "the response is not HTTP/1.1");
    } else if (reader_.state() == ResponseReader::State::done) {
        // A server that answers before it has read the whole request: the rest of it may not become the next
        // one.
        finish(now, reader_.keeps_alive() && used == bytes.size() && !is_writing());
    }
}

void Connection::ended(std::string_view why) {
    if (closing_) return;
    const TimePoint now = Clock::now();
    if (state_ == State::opening) {
        fail(Failure::connect, now, why);
    } else if (state_ == State::busy && reader_.finish()) {
        finish(now, false);
    } else if (state_ == State::busy) {
        fail(Failure::closed, now, why);
    } else {
        ++shift_->tally.reconnects;
        close();
    }
}

void Connection::closed() {
    state_ = State::closed;
    owner_->on_closed(*this);
}

void Connection::on_body(std::string_view bytes) {
    new_events_ += check_.body(bytes, reader_.is_event_stream());
}

void Connection::note_progress(TimePoint now, std::uint64_t bytes, std::uint64_t chunks) {
    if (shift_->window.contains(now)) {
        Done& done = shift_->tally.done;
        done.bytes_in += bytes;
        done.chunks += chunks;
        done.events += new_events_;
    }
    if (new_events_ > 0) note_events(now);
}

void Connection::note_events(TimePoint now) {
    shift_->live->events.fetch_add(new_events_, std::memory_order_relaxed);
    Tally& tally = shift_->tally;
    const bool is_first = last_event_ == TimePoint{};
    if (is_first && measured_) tally.first_event.record(now - intended_);
    if (shift_->window.contains(now)) {
        if (!is_first) tally.event_gap.record(now - last_event_);
        for (std::uint64_t i = 1; i < new_events_; ++i)
            tally.event_gap.record(Nanoseconds{0});
    }
    last_event_ = now;
}

void Connection::finish(TimePoint now, bool reusable) {
    has_answered_ = true;
    if (shift_->window.contains(now)) ++shift_->tally.done.responses;
    shift_->live->responses.fetch_add(1, std::memory_order_relaxed);
    Failure verdict = check_.verdict(reader_.status(), reader_.is_event_stream(), shift_->to_head);
    // More bytes than the response has: the next one on this connection would be misread.
    if (reader_.keeps_alive() && !reusable && !is_writing() && verdict == Failure::none)
        verdict = Failure::malformed;
    if (measured_) ++shift_->tally.statuses[static_cast<std::size_t>(reader_.status())];
    record(verdict, now, verdict == Failure::none ? std::string{} : explain(verdict, reader_.status()));
    if (reusable) {
        state_ = State::idle;
        owner_->on_idle(*this, now);
        return;
    }
    ++shift_->tally.reconnects;
    close();
}

void Connection::fail(Failure failure, TimePoint now, std::string_view why) {
    record(failure, now, why);
    close();
}

void Connection::record(Failure failure, TimePoint now, std::string_view why) {
    Tally& tally = shift_->tally;
    const bool counts = state_ == State::busy ? measured_ : shift_->window.contains(now);
    if (failure == Failure::none) {
        if (counts) {
            ++tally.succeeded;
            tally.tokens_answered += sending_.tokens;
        }
    } else {
        if (counts)
            ++tally.failures[static_cast<std::size_t>(failure)];
        else
            ++tally.failures_outside;
        shift_->live->failed.fetch_add(1, std::memory_order_relaxed);
        if (shift_->first_failure.empty()) shift_->first_failure = why;
    }
    if (!counts || state_ != State::busy) return;
    // A timeout counts with the time it waited: leaving it out would flatter the server.
    if (failure == Failure::none || failure == Failure::timeout) tally.latency.record(now - intended_);
    tally.last_end = std::max(tally.last_end, now);
}

void Connection::close() {
    closing_ = true;
    start_close();
}

} // namespace headroom::load
