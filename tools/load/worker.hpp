// One thread of load with its connections: decides which of them sends when, in a closed or an open loop.
// Owned by Run. Promises: in an open loop a request is due at its time whatever the server does; when no
// connection is free it waits, and the wait is part of its latency. Not here: what a connection does with a
// request (connection.hpp).
#pragma once

#include "tools/load/connection.hpp"
#include "tools/load/options.hpp"
#include "tools/load/schedule.hpp"
#include "tools/load/stream_connection.hpp"
#include "tools/load/trace_plan.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom::load {

/// What all workers of a run share, read-only but for the atomics.
struct Orders {
    Options options;
    std::string request;
    std::optional<TracePlan> trace; ///< Instead of the request, at the trace's own times.
    Route route;
    std::atomic<bool> stop{false}; ///< Asked for by the user; workers look every 100 ms.
    Live live;
};

class Worker final : private ConnectionOwner {
  public:
    Worker(Orders& orders, unsigned number);

    /// Opens every connection and returns how many are up once each is up or has failed.
    [[nodiscard]] unsigned connect_all();

    /// Sends from `start` until the duration is over or its share of the requests is done, and everything
    /// sent has ended.
    void run(TimePoint start);

    [[nodiscard]] Tally& tally() noexcept { return shift_.tally; }
    [[nodiscard]] const std::string& first_failure() const noexcept { return shift_.first_failure; }

  private:
    using Timer =
        asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>;

    void on_idle(Connection& connection, TimePoint now) override;
    void on_closed(Connection& connection) override;
    void pump(TimePoint now);
    void pump_schedule(TimePoint now);
    void pump_trace(TimePoint now);
    void add_connection();
    [[nodiscard]] std::size_t row(std::uint64_t number) const noexcept;
    [[nodiscard]] bool is_open_loop() const noexcept { return orders_->options.rate > 0 || orders_->trace; }
    void send_from_idle(TimePoint intended, TimePoint now);
    void arm_due(TimePoint due);
    void arm_tick();
    void tick(TimePoint now);
    void count_unsent(TimePoint now);
    [[nodiscard]] bool may_send(TimePoint intended) const noexcept;
    [[nodiscard]] bool over(TimePoint now) const noexcept;
    [[nodiscard]] std::size_t busy_count() const noexcept;
    void leave_if_over(TimePoint now);

    Orders* orders_;
    asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE}; // one thread only, so no locks
    Timer due_timer_{io_};
    Timer tick_timer_{io_};
    Shift shift_;
    Schedule schedule_;
    std::deque<Nanoseconds> ramp_; // when connections that have not sent yet may begin, after the start
    unsigned number_;
    std::uint64_t share_;         // of --requests or of a trace's rows; 0 for a duration
    std::uint64_t sent_rows_ = 0; // of its share of a trace
    std::uint64_t seen_rows_ = 0; // that have come due: each found or opened a connection
    std::uint64_t connections_max_ = 0;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<Connection*> idle_;
    std::vector<Connection*> closed_;
    unsigned opening_ = 0;
    TimePoint start_ = far_future;
    TimePoint last_up_{};    // when a connection was last seen open
    bool connecting_ = true; // the phase before the start
    bool due_armed_ = false;
};

} // namespace headroom::load
