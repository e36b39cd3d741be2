// What one worker counted; merged when the run is over.
// Promises: `done` is what ended inside the window, `begun` to `first_event` belong to the requests meant for
// the window, even if they ended later; the two differ at the edges of a run and for a server that cannot
// keep up.
#pragma once

#include "tools/load/answer_check.hpp"
#include "tools/load/clock.hpp"
#include "tools/load/failure.hpp"
#include "tools/load/histogram.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace headroom::load {

/// What happened inside the window, whichever request it belonged to: for rates and for CPU per request.
struct Done {
    std::uint64_t responses = 0;
    std::uint64_t events = 0;
    std::uint64_t chunks = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

struct Tally {
    Done done;
    std::uint64_t begun = 0;          ///< Sent, or due and never sent.
    std::int64_t tokens_answered = 0; ///< Traces: prompt and answer of those that succeeded.
    std::uint64_t succeeded = 0;      ///< Came back whole and as expected.
    std::array<std::uint64_t, failure_count> failures{};
    std::uint64_t failures_outside = 0; ///< Of requests before the window; they make the run fail too.
    std::array<std::uint64_t, 600> statuses{};
    std::uint64_t reconnects = 0; ///< Connections closed by the server after a response, and opened again.
    Histogram late;               ///< Intended send time until it was sent: how far behind this machine is.
    Histogram latency;            ///< Intended send time to the last byte.
    Histogram first_byte;         ///< Intended send time to the first byte of the head.
    Histogram first_event;        ///< Intended send time to the first event; event streams only.
    Histogram
        event_gap; ///< Between two events of a stream inside the window; zero when they came in one read.
    TimePoint last_end{}; ///< When the last request of the window ended.
    Reference reference;  ///< The first good body.

    void merge(const Tally& other);
    [[nodiscard]] std::uint64_t failed() const noexcept; ///< All kinds, in the window.
};

/// The few numbers that the progress line reads while workers run; relaxed, since nothing depends on their
/// order.
struct Live {
    std::atomic<std::uint64_t> responses{0};
    std::atomic<std::uint64_t> events{0};
    std::atomic<std::uint64_t> failed{0};
};

} // namespace headroom::load
