// Sums tallies; workers that saw different bodies under --same-body count one more failure.
#include "tools/load/tally.hpp"

#include <algorithm>
#include <numeric>

namespace headroom::load {

void Tally::merge(const Tally& other) {
    done.responses += other.done.responses;
    done.events += other.done.events;
    done.chunks += other.done.chunks;
    done.bytes_in += other.done.bytes_in;
    done.bytes_out += other.done.bytes_out;
    begun += other.begun;
    succeeded += other.succeeded;
    tokens_answered += other.tokens_answered;
    failures_outside += other.failures_outside;
    reconnects += other.reconnects;
    for (std::size_t i = 0; i < failures.size(); ++i)
        failures[i] += other.failures[i];
    for (std::size_t i = 0; i < statuses.size(); ++i)
        statuses[i] += other.statuses[i];
    late.merge(other.late);
    latency.merge(other.latency);
    first_byte.merge(other.first_byte);
    first_event.merge(other.first_event);
    event_gap.merge(other.event_gap);
    last_end = std::max(last_end, other.last_end);
    if (!reference.known) reference = other.reference;
}

std::uint64_t Tally::failed() const noexcept {
    return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
}

} // namespace headroom::load
