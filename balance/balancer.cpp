// The order of the passes is the policy: every pass is tried over all groups before a worse one is.
#include "balance/balancer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace headroom::balance {
namespace {

// Scores closer than this are equal, so that equal backends share traffic instead of taking turns in bursts.
constexpr double score_tie = 1.0 / 64;

std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31);
}

double unit(std::uint64_t bits) noexcept {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

/// One decision: what every candidate looks like, and the passes over them.
class Decision {
  public:
    Decision(Fleet& fleet, const Demand& demand, Time now) noexcept
        : fleet_(fleet), demand_(demand), time_(now), now_(fleet.moment(now)) {
        const std::size_t size = fleet.size();
        const std::uint64_t known = size == 64 ? ~0ULL : (1ULL << size) - 1;
        candidates_ = demand.candidates & known;
        open_ = candidates_ & ~demand.excluded;
    }

    Choice run() noexcept {
        Choice choice;
        std::uint32_t begin = 0;
        for (const std::uint32_t end : fleet_.group_ends()) {
            look_at(begin, end);
            if (probe(begin, end, choice) || fitting(begin, end, choice)) return choice;
            begin = end;
        }
        if (any_group(&Decision::returning, choice)) return choice;
        if (demand_.patience > Duration::zero() && wait(choice)) return choice;
        if (any_group(&Decision::least_full, choice)) return choice;
        if (any_group(&Decision::due, choice)) return choice;
        return last(choice);
    }

  private:
    using Pass = bool (Decision::*)(std::uint32_t, std::uint32_t, Choice&) noexcept;

    struct Seen {
        Outlook look;
        double score;
        bool admitted;
    };

    [[nodiscard]] Want want(std::uint32_t backend) const noexcept {
        const auto& keys = demand_.deployments;
        const SlotKey key = keys.empty() ? SlotKey{} : keys.size() == 1 ? keys[0] : keys[backend];
        return {key, std::clamp(demand_.cost, Tokens(0), request_cost_max), demand_.prompt};
    }

    void look_at(std::uint32_t begin, std::uint32_t end) noexcept {
        for (std::uint32_t i = begin; i < end; ++i) {
            const std::uint32_t backend = fleet_.by_priority()[i];
            if ((open_ >> backend & 1) == 0) continue;
            Seen& seen = seen_[backend];
            fleet_.look_at(backend, want(backend), now_, seen.look);
            seen.score = 1 - seen.look.used * fleet_.inverse_weight(backend);
            seen.admitted = seen.look.share >= 1 ||
                            unit(mixed(demand_.random + backend * 0x9e3779b97f4a7c15U)) < seen.look.share;
        }
    }

    // The best of those that `accepts`, by score and among equals by weight and chance; backends_max when
    // there is none.
    template <class Accepts>
    std::uint32_t best(std::uint32_t begin, std::uint32_t end, Accepts accepts) const noexcept {
        double top = -1e300;
        for_each(begin, end, [&](std::uint32_t backend) {
            if (accepts(seen_[backend])) top = std::max(top, seen_[backend].score);
        });
        double weights = 0;
        const auto equal = [&](std::uint32_t backend) {
            return accepts(seen_[backend]) && seen_[backend].score >= top - score_tie;
        };
        for_each(begin, end, [&](std::uint32_t backend) {
            if (equal(backend)) weights += fleet_.relative_weight(backend);
        });
        double left = unit(demand_.random) * weights;
        std::uint32_t chosen = backends_max;
        for_each(begin, end, [&](std::uint32_t backend) {
            if (left < 0 || !equal(backend)) return;
            chosen = backend;
            left -= fleet_.relative_weight(backend);
        });
        return chosen;
    }

    template <class Visit>
    void for_each(std::uint32_t begin, std::uint32_t end, Visit visit) const noexcept {
        for (std::uint32_t i = begin; i < end; ++i) {
            const std::uint32_t backend = fleet_.by_priority()[i];
            if ((open_ >> backend & 1) != 0) visit(backend);
        }
    }

    bool send(std::uint32_t backend, Taking taking, std::string_view reason, Choice& choice) noexcept {
        choice.lease = fleet_.take(backend, want(backend), taking, now_);
        if (!choice.lease) return false;
        choice.kind = Choice::Kind::send;
        choice.backend = backend;
        choice.reason = reason;
        return true;
    }

    bool any_group(Pass pass, Choice& choice) noexcept {
        std::uint32_t begin = 0;
        for (const std::uint32_t end : fleet_.group_ends()) {
            if ((this->*pass)(begin, end, choice)) return true;
            begin = end;
        }
        return false;
    }

    bool probe(std::uint32_t begin, std::uint32_t end, Choice& choice) noexcept {
        return demand_.may_probe &&
               try_probes(begin, end, choice, [](const Outlook& look) { return look.fits; });
    }

    bool due(std::uint32_t begin, std::uint32_t end, Choice& choice) noexcept {
        return try_probes(begin, end, choice, [](const Outlook&) { return true; });
    }

    template <class Accepts>
    bool try_probes(std::uint32_t begin, std::uint32_t end, Choice& choice, Accepts accepts) noexcept {
        bool sent = false;
        for_each(begin, end, [&](std::uint32_t backend) {
            const Outlook& look = seen_[backend].look;
            if (sent || look.state != Outlook::State::probe || !accepts(look)) return;
            sent = send(backend, Taking::probe, "probe", choice);
        });
        return sent;
    }

    bool fitting(std::uint32_t begin, std::uint32_t end, Choice& choice) noexcept {
        return take_best(begin, end, "fits", choice, [](const Seen& seen) {
            return seen.look.state == Outlook::State::open && seen.look.fits && seen.admitted;
        });
    }

    bool returning(std::uint32_t begin, std::uint32_t end, Choice& choice) noexcept {
        return take_best(begin, end, "returning", choice, [](const Seen& seen) {
            return seen.look.state == Outlook::State::open && seen.look.fits;
        });
    }

    template <class Accepts>
    bool take_best(std::uint32_t begin, std::uint32_t end, std::string_view reason, Choice& choice,
                   Accepts accepts) noexcept {
        while (true) {
            const std::uint32_t backend = best(begin, end, accepts);
            if (backend == backends_max) return false;
            if (send(backend, Taking::if_fits, reason, choice)) return true;
            // Another shard took the last of it between our look and our reservation.
            seen_[backend].look.fits = false;
        }
    }

    bool least_full(std::uint32_t begin, std::uint32_t end, Choice& choice) noexcept {
        const std::uint32_t backend =
            best(begin, end, [](const Seen& seen) { return seen.look.state == Outlook::State::open; });
        return backend != backends_max && send(backend, Taking::anyway, "over", choice);
    }

    bool wait(Choice& choice) noexcept {
        Duration soonest = demand_.patience;
        for (std::uint64_t left = open_; left != 0; left &= left - 1) {
            const auto backend = static_cast<std::uint32_t>(std::countr_zero(left));
            const Outlook::State state = seen_[backend].look.state;
            if (state != Outlook::State::open && state != Outlook::State::blocked) continue;
            const Duration opens = fleet_.opening(backend, want(backend), time_);
            if (opens > soonest) continue;
            soonest = opens;
            choice.kind = Choice::Kind::wait;
            choice.backend = backend;
            choice.retry_after = std::max(opens, Duration(std::chrono::milliseconds(1)));
            choice.reason = "opening";
        }
        return choice.kind == Choice::Kind::wait;
    }

    Choice last(Choice& choice) noexcept {
        std::uint32_t soonest = backends_max;
        std::optional<Duration> opening;
        for (std::uint64_t left = candidates_; left != 0; left &= left - 1) {
            const auto backend = static_cast<std::uint32_t>(std::countr_zero(left));
            const bool tried = (open_ >> backend & 1) == 0;
            if (tried) fleet_.look_at(backend, want(backend), now_, seen_[backend].look);
            const Outlook& look = seen_[backend].look;
            if (look.state == Outlook::State::blocked)
                opening = std::min(opening.value_or(look.recovery), look.recovery);
            if (tried || look.state == Outlook::State::blocked) continue;
            if (soonest == backends_max || look.recovery < seen_[soonest].look.recovery) soonest = backend;
        }
        if (!opening && soonest != backends_max &&
            send(soonest, Taking::last_resort, "last-resort", choice)) {
            return std::move(choice);
        }
        choice.quota = opening.has_value();
        choice.retry_after = opening.value_or(Duration::zero());
        choice.reason = candidates_ == 0 ? "none" : opening ? "quota" : "tried";
        return std::move(choice);
    }

    Fleet& fleet_;
    const Demand& demand_;
    Time time_;
    Moment now_;
    std::uint64_t candidates_ = 0;
    std::uint64_t open_ = 0;
    std::array<Seen, backends_max>
        seen_; // Filled for the candidates only: clearing it would cost as much as choosing.
};

} // namespace

Choice Balancer::choose(Fleet& fleet, const Demand& demand, Time now) const noexcept {
    return Decision(fleet, demand, now).run();
}

} // namespace headroom::balance
