// The first of the reasons that applies, in the order in which the policy meets them.
#include "core/candidate_fate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace headroom::core {
namespace {

using balance::Decision;
using balance::is_in;
using balance::Outlook;

double seconds(balance::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::string fate_of_open(const balance::FlightRecord& record, std::uint32_t backend) {
    const Decision& made = record.decision;
    const Outlook& look = record.input.look[backend];
    if (!look.fits) {
        std::string text = fmt::format("does not fit: {:.0f} % would be used", look.used * 100);
        if (is_in(record.input.opened, backend))
            text += fmt::format(", fits in {:.1f} s", seconds(record.input.opens[backend]));
        return text;
    }
    if (record.input.late != 0 && look.used > record.input.used_max)
        return fmt::format("too little of its quota would be left for a hedge: {:.0f} % would be used",
                           look.used * 100);
    if (!is_in(made.admitted, backend))
        return fmt::format("traffic is only returning to it: {:.0f} % of requests", look.share * 100);
    if (made.kind != Decision::Kind::send) return "fits";
    if (made.reason == balance::Reason::probe) return "fits, but another one is due to be tried";
    if (!is_in(made.scored, made.backend)) return "fits";
    const double ahead = made.score[made.backend] - made.score[backend];
    if (ahead > 0) return fmt::format("fits, with a score {:.3f} lower", ahead);
    return "fits and is as good: chance decided";
}

} // namespace

std::string_view kind_word(Decision::Kind kind) noexcept {
    switch (kind) {
        case Decision::Kind::send: return "send";
        case Decision::Kind::wait: return "wait";
        case Decision::Kind::refuse: return "refuse";
        case Decision::Kind::look:
        case Decision::Kind::openings: return "undecided";
    }
    return "unknown";
}

std::string_view state_word(Outlook::State state) noexcept {
    switch (state) {
        case Outlook::State::open: return "open";
        case Outlook::State::probe: return "due";
        case Outlook::State::blocked: return "blocked";
        case Outlook::State::broken: return "broken";
    }
    return "unknown";
}

std::string fate_of(const balance::FlightRecord& record, std::uint32_t backend) {
    const balance::DecisionInput& input = record.input;
    const Decision& made = record.decision;
    if (made.kind == Decision::Kind::send && made.backend == backend)
        return fmt::format("chosen: {}", name_of(made.reason));
    if (made.kind == Decision::Kind::wait && made.backend == backend)
        return fmt::format("waited for: fits in {:.1f} s", seconds(made.retry_after));
    if (is_in(input.late, backend)) return "has the request already and is late";
    if (!is_in(input.open, backend)) return "was asked before";
    if (!is_in(input.seen, backend)) return "not looked at: a preferred group had room";
    if (std::any_of(input.lost.begin(), input.lost.end(), [&](auto lost) { return is_in(lost, backend); }))
        return "another shard was faster to take it";
    const Outlook& look = input.look[backend];
    switch (look.state) {
        case Outlook::State::broken:
            return fmt::format("broken: may be tried in {:.1f} s", seconds(look.recovery));
        case Outlook::State::blocked:
            return fmt::format("blocked by its own 429 for {:.1f} s", seconds(look.recovery));
        case Outlook::State::probe:
            return input.may_probe   ? "due to be tried"
                   : input.late != 0 ? "due to be tried, but not with a hedge"
                                     : "due to be tried, but this request cannot be sent twice";
        case Outlook::State::open: return fate_of_open(record, backend);
    }
    return "unknown";
}

} // namespace headroom::core
