// Closed loop: a free connection sends at once. Open loop: free connections wait in line for the next due
// time.
#include "tools/load/worker.hpp"

#include "tools/load/request_text.hpp"

#include <algorithm>
#include <random>

namespace headroom::load {
namespace {

// Opened before a trace begins; more when a row is due and all are busy.
constexpr std::uint64_t trace_connections_least = 16;

constexpr auto tick_period = std::chrono::milliseconds{100};

// How long after the end of the window requests that were due in it may still be sent.
constexpr auto backlog_grace = std::chrono::seconds{1};

std::uint64_t share_of(std::uint64_t total, unsigned part, unsigned parts) {
    return total / parts + (part < total % parts ? 1 : 0);
}

// When each connection of a closed loop begins: at random within --ramp, so that streams do not beat in step.
std::deque<Nanoseconds> ramp_times(const Options& options, unsigned number, std::uint64_t count) {
    if (options.ramp <= Nanoseconds{0}) return {};
    std::mt19937_64 random{options.seed + number};
    std::uniform_int_distribution<Nanoseconds::rep> within{0, options.ramp.count()};
    std::deque<Nanoseconds> times;
    for (std::uint64_t i = 0; i < count; ++i)
        times.emplace_back(within(random));
    std::sort(times.begin(), times.end());
    return times;
}

} // namespace

Worker::Worker(Orders& orders, unsigned number)
    : orders_(&orders),
      schedule_(orders.options.rate > 0 ? orders.options.rate : 1, orders.options.arrivals,
                orders.options.seed, number, orders.options.threads),
      number_(number),
      share_(share_of(orders.trace ? orders.trace->size() : orders.options.requests, number,
                      orders.options.threads)),
      connections_max_(share_of(orders.options.connections, number, orders.options.threads)) {
    const Options& options = orders.options;
    shift_.expectation = &options.expectation;
    shift_.request = orders.request;
    shift_.to_head = method_of(options) == "HEAD";
    shift_.timeout = options.timeout;
    shift_.live = &orders.live;
    if (options.expectation.same_body) shift_.tally.reference.bytes_max = 64U << 20U;
    const std::uint64_t count =
        orders.trace ? std::min(connections_max_, trace_connections_least) : connections_max_;
    if (!is_open_loop()) ramp_ = ramp_times(options, number, count);
    for (std::uint64_t i = 0; i < count; ++i)
        add_connection();
}

void Worker::add_connection() {
    ConnectionOwner& owner = *this;
    if (orders_->options.target.tls) {
        connections_.push_back(
            std::make_unique<StreamConnection<TlsStream>>(io_, orders_->route, shift_, owner));
    } else {
        connections_.push_back(
            std::make_unique<StreamConnection<PlainStream>>(io_, orders_->route, shift_, owner));
    }
}

unsigned Worker::connect_all() {
    opening_ = static_cast<unsigned>(connections_.size());
    for (const auto& connection : connections_)
        connection->open(Clock::now());
    arm_tick();
    io_.run();
    return static_cast<unsigned>(idle_.size());
}

void Worker::run(TimePoint start) {
    const Options& options = orders_->options;
    start_ = start;
    last_up_ = start;
    connecting_ = false;
    shift_.window.begin = start + options.warmup;
    if (share_ == 0) shift_.window.end = shift_.window.begin + options.duration;
    io_.restart();
    arm_due(start);
    arm_tick();
    io_.run();
}

void Worker::on_idle(Connection& connection, TimePoint now) {
    if (connecting_) {
        idle_.push_back(&connection);
        if (--opening_ == 0) io_.stop();
        return;
    }
    if (!is_open_loop() && connection.has_begun() && may_send(now)) {
        connection.begin(now, now);
        return;
    }
    idle_.push_back(&connection);
    pump(now);
    leave_if_over(now);
}

void Worker::on_closed(Connection& connection) {
    const bool was_open = std::erase(idle_, &connection) > 0;
    const TimePoint now = Clock::now();
    // After an answer it is opened again at once; a server that refuses, or closes unasked, is tried again by
    // tick().
    if (connection.has_answered() && !connecting_ && !over(now)) {
        connection.open(now);
        return;
    }
    closed_.push_back(&connection);
    if (!connecting_) {
        leave_if_over(now);
    } else if (!was_open && --opening_ == 0) {
        io_.stop();
    }
}

void Worker::pump(TimePoint now) {
    if (now < start_) return;
    if (orders_->trace) {
        pump_trace(now);
        return;
    }
    if (is_open_loop()) {
        pump_schedule(now);
        return;
    }
    while (!idle_.empty() && may_send(now)) {
        if (!ramp_.empty() && ramp_.front() > now - start_) {
            arm_due(start_ + ramp_.front());
            return;
        }
        if (!ramp_.empty()) ramp_.pop_front();
        send_from_idle(now, now);
    }
}

void Worker::pump_schedule(TimePoint now) {
    while (!idle_.empty()) {
        const TimePoint due = start_ + schedule_.due();
        if (!may_send(due) || now >= shift_.window.end + backlog_grace) return;
        if (due > now) {
            arm_due(due);
            return;
        }
        schedule_.advance();
        send_from_idle(due, now);
    }
}

std::size_t Worker::row(std::uint64_t number) const noexcept {
    return number_ + number * orders_->options.threads;
}

// Every row that has come due takes a free connection, or has one opened: so many that no row waits for
// another, until there are --connections of them.
void Worker::pump_trace(TimePoint now) {
    const TracePlan& trace = *orders_->trace;
    while (seen_rows_ < share_ && start_ + trace.due(row(seen_rows_)) <= now) {
        ++seen_rows_;
        if (seen_rows_ - sent_rows_ <= idle_.size() || connections_.size() >= connections_max_) continue;
        add_connection();
        connections_.back()->open(now);
    }
    while (!idle_.empty() && sent_rows_ < seen_rows_ && shift_.window.end > now) {
        const std::size_t next = row(sent_rows_++);
        Connection& connection = *idle_.front();
        idle_.pop_front();
        connection.begin(start_ + trace.due(next), now, trace.sending(next));
    }
    if (seen_rows_ < share_) arm_due(start_ + trace.due(row(seen_rows_)));
}

void Worker::send_from_idle(TimePoint intended, TimePoint now) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    connection.begin(intended, now);
}

bool Worker::may_send(TimePoint intended) const noexcept {
    return intended < shift_.window.end && (share_ == 0 || shift_.tally.begun < share_);
}

void Worker::arm_due(TimePoint due) {
    if (due_armed_) return;
    due_armed_ = true;
    due_timer_.expires_at(due);
    due_timer_.async_wait([this](const boost::system::error_code&) {
        due_armed_ = false;
        pump(Clock::now());
    });
}

void Worker::arm_tick() {
    tick_timer_.expires_after(tick_period);
    tick_timer_.async_wait([this](const boost::system::error_code& code) {
        if (code) return;
        arm_tick();
        tick(Clock::now());
    });
}

void Worker::tick(TimePoint now) {
    const bool stop = orders_->stop.load(std::memory_order_relaxed);
    if (connecting_ && stop) io_.stop();
    for (const auto& connection : connections_)
        connection->tick(now);
    if (connecting_) return;
    if (idle_.size() + busy_count() > 0) last_up_ = now;
    // A server that stays away would keep a run of N requests waiting for ever.
    if (stop || now - last_up_ > orders_->options.timeout)
        shift_.window.end = std::min(shift_.window.end, now);
    if (!over(now)) {
        std::vector<Connection*> again;
        again.swap(closed_);
        for (Connection* connection : again)
            connection->open(now);
    }
    pump(now);
    leave_if_over(now);
}

bool Worker::over(TimePoint now) const noexcept {
    if (share_ != 0 && shift_.tally.begun >= share_) return true;
    if (now < shift_.window.end) return false;
    const bool backlog = is_open_loop() && share_ == 0 && start_ + schedule_.due() < shift_.window.end;
    return !backlog || now >= shift_.window.end + backlog_grace;
}

void Worker::leave_if_over(TimePoint now) {
    if (!over(now)) return;
    if (io_.stopped() || busy_count() > 0) return;
    count_unsent(now);
    io_.stop();
}

std::size_t Worker::busy_count() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(),
                      [](const auto& connection) { return connection->state() == Connection::State::busy; }));
}

void Worker::count_unsent(TimePoint now) {
    if (!is_open_loop() || share_ != 0) return;
    for (TimePoint due = start_ + schedule_.due(); due < shift_.window.end; due = start_ + schedule_.due()) {
        schedule_.advance();
        if (!shift_.window.contains(due)) continue;
        ++shift_.tally.begun;
        ++shift_.tally.failures[static_cast<std::size_t>(Failure::unsent)];
        if (shift_.first_failure.empty())
            shift_.first_failure = "no connection was free for a request that was due";
        shift_.tally.latency.record(now - due);
    }
}

} // namespace headroom::load
