// The order of the passes is the policy: every pass is tried over all groups before a worse one is.
#include "balance/decision.hpp"

#include "balance/bit_mixing.hpp"
#include "balance/preferences.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace headroom::balance {
namespace {

// Scores closer than this are equal, so that equal backends share traffic instead of taking turns in bursts.
constexpr double score_tie = 1.0 / 64;
// A request above this part of a bucket is large.
constexpr double large_size = 0.2;

/// The passes over the candidates; each says whether it has settled the matter.
class Passes {
  public:
    Passes(const DecisionInput& input, Decision& result) noexcept : in_(input), out_(result) {}

    void run() noexcept {
        const auto& groups = in_.shape->groups;
        for (; out_.groups_done < in_.shape->group_count; ++out_.groups_done) {
            const BackendMask group = groups[out_.groups_done] & in_.open;
            if (group == 0) continue;
            if ((group & ~in_.seen) != 0) return ask(Decision::Kind::look, group & ~in_.seen);
            score(group & ~out_.scored);
            if (in_.late != 0 ? spare(group) : probe(group) || fitting(group)) return;
        }
        if (in_.late != 0) return refuse(Reason::scarce);
        if (any_group(&Passes::returning)) return;
        if (in_.patience > Duration::zero() && wait()) return;
        if (any_group(&Passes::least_full)) return;
        if (any_group(&Passes::due)) return;
        last();
    }

  private:
    using Pass = bool (Passes::*)(BackendMask) noexcept;

    void ask(Decision::Kind kind, BackendMask wanted) noexcept {
        out_.kind = kind;
        out_.wanted = wanted;
    }

    void score(BackendMask fresh) noexcept {
        const Preferences preferences(in_, fresh);
        BackendMask later = in_.open;
        for (std::uint32_t i = 0; i <= out_.groups_done; ++i)
            later &= ~in_.shape->groups[i];
        for_each(fresh, [&](std::uint32_t backend) {
            const Outlook& look = in_.look[backend];
            out_.score[backend] =
                1 - look.used * in_.shape->inverse_weight[backend] + preferences.of(backend, look);
            const bool admitted =
                look.share >= 1 || unit(mixed(in_.random + backend * mixing_step)) < look.share;
            // Who is cheap to move leaves a tier that will run short, while the dear ones still fit.
            const bool moves = later != 0 && preferences.moves(backend, look, unit(mixed(~in_.random)));
            out_.admitted |= BackendMask{admitted && !moves} << backend;
        });
        out_.scored |= fresh;
    }

    template <class Accepts>
    BackendMask those(BackendMask group, Taking taking, Accepts accepts) const noexcept {
        BackendMask accepted = 0;
        for_each(group & ~in_.lost[static_cast<std::size_t>(taking)], [&](std::uint32_t backend) {
            accepted |= BackendMask{accepts(in_.look[backend])} << backend;
        });
        return accepted;
    }

    // The best by score, and among equals by weight and chance; of a large request the tightest fit, so that
    // large holes stay for large requests.
    std::uint32_t best(BackendMask from) const noexcept {
        if (std::uint32_t tight = 0; tightest(from, tight)) return tight;
        double top = -1e300;
        for_each(from, [&](std::uint32_t backend) { top = std::max(top, out_.score[backend]); });
        BackendMask equal = 0;
        double weights = 0;
        for_each(from, [&](std::uint32_t backend) {
            if (out_.score[backend] < top - score_tie) return;
            equal |= BackendMask{1} << backend;
            weights += in_.shape->relative_weight[backend];
        });
        double left = unit(in_.random) * weights;
        auto chosen = static_cast<std::uint32_t>(std::countr_zero(equal));
        for (; equal != 0 && left >= 0; equal &= equal - 1) {
            chosen = static_cast<std::uint32_t>(std::countr_zero(equal));
            left -= in_.shape->relative_weight[chosen];
        }
        return chosen;
    }

    bool tightest(BackendMask from, std::uint32_t& chosen) const noexcept {
        double room = 1e18;
        bool large = false;
        for_each(from, [&](std::uint32_t backend) {
            const Outlook& look = in_.look[backend];
            if (!look.fits || look.room >= room) return;
            room = look.room;
            large = look.size > large_size;
            chosen = backend;
        });
        return large;
    }

    bool send(std::uint32_t backend, Taking taking, Reason reason) noexcept {
        out_.kind = Decision::Kind::send;
        out_.backend = backend;
        out_.taking = taking;
        out_.reason = reason;
        return true;
    }

    bool send_best(BackendMask from, Taking taking, Reason reason) noexcept {
        return from != 0 && send(best(from), taking, reason);
    }

    bool any_group(Pass pass) noexcept {
        for (std::uint32_t i = 0; i < in_.shape->group_count; ++i) {
            if ((this->*pass)(in_.shape->groups[i] & in_.open)) return true;
        }
        return false;
    }

    bool send_first(BackendMask from) noexcept {
        return from != 0 &&
               send(static_cast<std::uint32_t>(std::countr_zero(from)), Taking::probe, Reason::probe);
    }

    bool probe(BackendMask group) noexcept {
        return in_.may_probe && send_first(those(group, Taking::probe, [](const Outlook& look) {
                   return look.state == Outlook::State::probe && look.fits;
               }));
    }

    bool due(BackendMask group) noexcept {
        return send_first(those(group, Taking::probe,
                                [](const Outlook& look) { return look.state == Outlook::State::probe; }));
    }

    [[nodiscard]] BackendMask fit(BackendMask group) const noexcept {
        return those(group, Taking::if_fits,
                     [](const Outlook& look) { return look.state == Outlook::State::open && look.fits; });
    }

    bool fitting(BackendMask group) noexcept {
        return send_best(fit(group) & out_.admitted, Taking::if_fits, Reason::fits);
    }

    // A hedge is a luxury: nobody is probed with it, and nobody runs short for it.
    bool spare(BackendMask group) noexcept {
        BackendMask rich = 0;
        for_each(fit(group) & out_.admitted, [&](std::uint32_t backend) {
            rich |= BackendMask{in_.look[backend].used <= in_.used_max} << backend;
        });
        return send_best(rich, Taking::if_fits, Reason::hedge);
    }

    void refuse(Reason reason) noexcept {
        out_.kind = Decision::Kind::refuse;
        out_.reason = reason;
    }

    bool returning(BackendMask group) noexcept {
        return send_best(fit(group), Taking::if_fits, Reason::returning);
    }

    bool least_full(BackendMask group) noexcept {
        const BackendMask open = those(group, Taking::anyway, [&](const Outlook& look) {
            // Who cannot wait has nothing to lose, and the backend's answer is the truth.
            const bool may = in_.patience == Duration::zero() || look.may_go_over;
            return look.state == Outlook::State::open && may && !look.hopeless;
        });
        return send_best(open, Taking::anyway, Reason::over);
    }

    /// Those of `from` that wait only for their quotas; false when their openings must be asked for first.
    bool find_openings(BackendMask from, BackendMask& may_open) noexcept {
        may_open = 0;
        for_each(from, [&](std::uint32_t backend) {
            const Outlook::State state = in_.look[backend].state;
            const bool may = state == Outlook::State::open || state == Outlook::State::blocked;
            may_open |= BackendMask{may} << backend;
        });
        if ((may_open & ~in_.opened) == 0) return true;
        ask(Decision::Kind::openings, may_open & ~in_.opened);
        return false;
    }

    bool wait() noexcept {
        BackendMask may_open = 0;
        if (!find_openings(in_.open, may_open)) return true;
        Duration soonest = in_.patience;
        bool found = false;
        for_each(may_open, [&](std::uint32_t backend) {
            if (in_.opens[backend] > soonest) return;
            soonest = in_.opens[backend];
            out_.backend = backend;
            found = true;
        });
        if (!found) return false;
        out_.kind = Decision::Kind::wait;
        out_.reason = Reason::opening;
        out_.retry_after = std::max(soonest, Duration(std::chrono::milliseconds(1)));
        return true;
    }

    void last() noexcept {
        if ((in_.candidates & ~in_.seen) != 0) return ask(Decision::Kind::look, in_.candidates & ~in_.seen);
        std::optional<Duration> opening;
        const auto sooner = [&](Duration opens) { opening = std::min(opening.value_or(opens), opens); };
        for_each(in_.candidates & ~in_.open, [&](std::uint32_t backend) {
            const Outlook& look = in_.look[backend];
            if (look.state == Outlook::State::blocked) sooner(look.recovery);
        });
        BackendMask full = 0;
        if (!find_openings(in_.open & ~in_.lost[static_cast<std::size_t>(Taking::anyway)], full)) return;
        for_each(full, [&](std::uint32_t backend) {
            sooner(std::max(in_.opens[backend], Duration(std::chrono::milliseconds(1))));
        });
        std::uint32_t soonest = backends_max;
        for_each(in_.open & ~full & ~in_.lost[static_cast<std::size_t>(Taking::last_resort)],
                 [&](std::uint32_t backend) {
                     const Duration recovery = in_.look[backend].recovery;
                     if (soonest == backends_max || recovery < in_.look[soonest].recovery) soonest = backend;
                 });
        if (!opening && soonest != backends_max) {
            send(soonest, Taking::last_resort, Reason::last_resort);
            return;
        }
        out_.kind = Decision::Kind::refuse;
        out_.quota = opening.has_value();
        out_.retry_after = opening.value_or(Duration::zero());
        out_.reason = in_.candidates == 0 ? Reason::none : opening ? Reason::quota : Reason::tried;
    }

    const DecisionInput& in_;
    Decision& out_;
};

} // namespace

std::string_view name_of(Reason reason) noexcept {
    switch (reason) {
        case Reason::fits: return "fits";
        case Reason::probe: return "probe";
        case Reason::over: return "over";
        case Reason::returning: return "returning";
        case Reason::last_resort: return "last-resort";
        case Reason::opening: return "opening";
        case Reason::quota: return "quota";
        case Reason::tried: return "tried";
        case Reason::none: return "none";
        case Reason::hedge: return "hedge";
        case Reason::scarce: return "scarce";
    }
    return "unknown";
}

void decide(const DecisionInput& input, Decision& decision) noexcept {
    Passes(input, decision).run();
}

} // namespace headroom::balance
