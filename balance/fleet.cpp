// Construction, looking at a backend and reserving on it; the policy that uses these is in balancer.cpp.
#include "balance/fleet.hpp"

#include "balance/name_hash.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr int requests_per_1000_tokens = 6;
constexpr double weight_min = 1e-3;
// Enough to notice that it answers again.
constexpr double stalled_share = 0.05;
// Where no limit is known, backends of equal weight should share what is sent: the less it has, the more it
// gets. The figure only sets how fast that outweighs backends whose limit is known.
constexpr double tokens_assumed = 250'000;

std::int64_t requests_per_window(int rpm, Tokens tpm) noexcept {
    const std::int64_t per_minute = rpm > 0 ? rpm : tpm.count() * requests_per_1000_tokens / 1000;
    return per_minute > 0 ? std::max<std::int64_t>(1, per_minute / 6) : 0;
}

double tokens_used(std::int64_t counted, std::int64_t limit, double weight) noexcept {
    const auto sum = static_cast<double>(counted);
    if (limit > 0) return sum / static_cast<double>(limit);
    // The policy divides by the weight; where nothing is known the sums themselves shall be in proportion to
    // it.
    return weight * sum / (sum + tokens_assumed * weight);
}

FleetShape shape_of(const std::vector<BackendSpec>& specs) {
    std::vector<std::uint32_t> order(specs.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
        return std::pair(specs[a].priority, a) < std::pair(specs[b].priority, b);
    });
    FleetShape shape;
    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
        double heaviest = weight_min;
        for (end = begin; end < order.size(); ++end) {
            const BackendSpec& member = specs[order[end]];
            if (member.priority != specs[order[begin]].priority) break;
            heaviest = std::max(heaviest, member.weight);
        }
        for (std::size_t i = begin; i < end; ++i) {
            const std::uint32_t backend = order[i];
            shape.groups[shape.group_count] |= std::uint64_t{1} << backend;
            shape.relative_weight[backend] = std::max(weight_min, specs[backend].weight / heaviest);
            shape.inverse_weight[backend] = 1 / shape.relative_weight[backend];
        }
        ++shape.group_count;
    }
    return shape;
}

Duration until(std::int64_t at_ms, std::int64_t now_ms) noexcept {
    return std::chrono::milliseconds(std::max<std::int64_t>(1, at_ms - now_ms));
}

} // namespace

Fleet::Fleet(std::vector<BackendSpec> backends, FleetOptions options)
    : specs_(std::move(backends)),
      options_(options),
      blocks_(std::make_unique<BackendBlock[]>(specs_.size())) {
    assert(specs_.size() <= backends_max);
    assert(options_.tick > Duration::zero());
    shape_ = shape_of(specs_);
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const BackendSpec& spec = specs_[i];
        blocks_[i].charges_on_usage = spec.charging == Charging::on_usage;
        blocks_[i].set_quota(spec.tpm.count(), requests_per_window(spec.rpm, spec.tpm));
        for (const DeploymentSpec& own : spec.overrides) {
            Slot* slot = blocks_[i].claim(key(own.name));
            if (slot == nullptr) continue;
            const Tokens tpm = own.tpm > Tokens(0) ? own.tpm : spec.tpm;
            const bool inherits_rpm = own.rpm == 0 && own.tpm == Tokens(0);
            slot->tokens_configured.store(tpm.count(), relaxed);
            slot->tokens_limit.store(tpm.count(), relaxed);
            slot->requests_limit.store(requests_per_window(inherits_rpm ? spec.rpm : own.rpm, tpm), relaxed);
        }
    }
}

Fleet::~Fleet() = default;

SlotKey Fleet::key(std::string_view upstream_name) const noexcept {
    if (upstream_name.empty()) return {};
    return {name_hash(upstream_name, options_.seed), upstream_name};
}

std::uint32_t Fleet::tick_of(Time now) const noexcept {
    const std::int64_t ticks = now.time_since_epoch() / options_.tick + 1;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ticks, 1, window_tick_max));
}

std::int64_t Fleet::ms_of(Time now) noexcept {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
    return std::max<std::int64_t>(1, since);
}

void Fleet::look_at(std::uint32_t backend, const Want& want, Moment now, Outlook& look) noexcept {
    BackendBlock& block = blocks_[backend];
    Slot& slot = block.slot_of(want.deployment.hash);
    const auto [tick, ms] = now;
    slot.tokens.advance(tick);
    slot.requests.advance(tick);

    const std::int64_t cost = want.cost.count();
    const std::int64_t limit = slot.tokens_limit.load(relaxed);
    const std::int64_t requests_limit = slot.requests_limit.load(relaxed);
    const std::int64_t requests = slot.requests.total() + 1;
    double used = slot.request_share.used(tick);
    bool fits = requests_limit == 0 || requests <= requests_limit;
    if (requests_limit != 0) {
        used = std::max(used, static_cast<double>(requests) / static_cast<double>(requests_limit));
    }
    if (cost != 0) {
        const std::int64_t counted = slot.tokens_counted(tick) + cost;
        fits = fits && (limit == 0 || counted <= limit);
        used = std::max(used, tokens_used(counted, limit, shape_.relative_weight[backend]));
    }

    look.used = used;
    look.fits = fits;

    const Breaker::View connection = block.connection.view(ms);
    const Breaker::View health = slot.breaker.view(ms);
    const auto shut = [](Breaker::State state) {
        return state == Breaker::State::open || state == Breaker::State::probing;
    };
    const Block::View held = slot.block.view();
    const bool covered = held.above == Tokens(0) || want.cost > held.above;
    const bool blocked = held.until_ms > ms && covered;
    std::int64_t broken_until =
        std::max(shut(connection.state) ? connection.until_ms : 0, shut(health.state) ? health.until_ms : 0);
    if (&slot == &block.overflow)
        broken_until = std::max(broken_until, block.missing_until_ms(want.deployment.hash));
    look.state = Outlook::State::open;
    look.recovery = Duration::zero();
    look.share = std::min(connection.share, health.share);
    if (slot.pulse.stalled(ms)) look.share = std::min(look.share, stalled_share);
    if (broken_until > ms) {
        look.state = Outlook::State::broken;
        look.recovery = until(std::max(broken_until, blocked ? held.until_ms : 0), ms);
    } else if (blocked) {
        look.state = Outlook::State::blocked;
        look.recovery = until(held.until_ms, ms);
    } else if (connection.state == Breaker::State::due || health.state == Breaker::State::due) {
        look.state = Outlook::State::probe;
    }
}

Duration Fleet::opening(std::uint32_t backend, const Want& want, Time now) noexcept {
    Slot& slot = blocks_[backend].slot_of(want.deployment.hash);
    const auto [tick, ms] = moment(now);
    slot.tokens.advance(tick);
    slot.requests.advance(tick);
    const std::int64_t limit = slot.tokens_limit.load(relaxed);
    const std::int64_t requests_limit = slot.requests_limit.load(relaxed);
    std::uint32_t ticks = requests_limit > 0 ? slot.requests.ticks_until(tick, 1, requests_limit) : 0;
    if (limit > 0 && want.cost > Tokens(0)) {
        const std::int64_t room = limit - slot.correction.value(tick);
        ticks = std::max(ticks, slot.tokens.ticks_until(tick, want.cost.count(), room));
    }
    Duration opens{};
    if (ticks > 0) opens = (tick - 1 + ticks) * options_.tick - now.time_since_epoch();
    const Block::View held = slot.block.view();
    if (held.until_ms > ms && (held.above == Tokens(0) || want.cost > held.above))
        opens = std::max(opens, until(held.until_ms, ms));
    return opens;
}

Lease Fleet::take(std::uint32_t backend, const Want& want, Taking taking, Moment now) noexcept {
    BackendBlock& block = blocks_[backend];
    Slot& slot = block.slot_of(want.deployment.hash);
    const auto [tick, ms] = now;
    Lease lease;
    lease.fleet_ = this;
    lease.block_ = &block;
    lease.backend_ = backend;
    lease.cost_ = std::clamp(want.cost, Tokens(0), request_cost_max);
    lease.prompt_ = std::clamp(want.prompt, Tokens(0), lease.cost_);
    lease.started_ms_ = ms;
    lease.last_resort_ = taking == Taking::last_resort;
    lease.unclaimed_ = &slot == &block.overflow;
    if (lease.unclaimed_) lease.name_ = SlotName(want.deployment);

    if (taking == Taking::probe && !lease.become_probe(slot, ms)) return {};
    slot.tokens.advance(tick);
    slot.requests.advance(tick);
    lease.reserve(slot, taking == Taking::if_fits, tick);
    return lease;
}

bool Fleet::can_serve(std::uint32_t backend, Time now) const noexcept {
    const BackendBlock& block = blocks_[backend];
    const std::int64_t ms = ms_of(now);
    if (block.connection.view(ms).state == Breaker::State::open) return false;
    bool any_used = false;
    const auto well = [&](const Slot& slot) {
        if (slot.sent.load(relaxed) == 0) return false;
        any_used = true;
        return slot.breaker.view(ms).state != Breaker::State::open;
    };
    if (well(block.bare) || well(block.overflow)) return true;
    if (std::any_of(block.slots.begin(), block.slots.end(), well)) return true;
    return !any_used;
}

std::vector<SlotView> Fleet::snapshot(Time now) {
    std::vector<SlotView> views;
    const std::int64_t ms = ms_of(now);
    const std::uint32_t tick = tick_of(now);
    const auto add = [&](std::uint32_t backend, Slot& slot, std::string_view deployment, bool overflow) {
        slot.tokens.advance(tick);
        slot.requests.advance(tick);
        SlotView& view = views.emplace_back();
        view.backend = backend;
        view.deployment = deployment;
        view.overflow = overflow;
        view.tokens_limit = Tokens(slot.tokens_limit.load(relaxed));
        view.tokens_used = Tokens(slot.tokens_counted(tick));
        view.tokens_correction = Tokens(slot.correction.value(tick));
        view.tokens_reserved = Tokens(slot.reserved.load(relaxed));
        view.requests_limit = slot.requests_limit.load(relaxed);
        view.requests_used = slot.requests.total();
        view.in_flight = slot.in_flight.load(relaxed);
        const Block::View held = slot.block.view();
        if (held.until_ms > ms) view.blocked_for = until(held.until_ms, ms);
        view.blocked_above = held.above;
        view.breaker = slot.breaker.view(ms).state;
        view.connection = blocks_[backend].connection.view(ms).state;
        view.charged_total = slot.charged.load(relaxed);
        view.used_total = slot.used.load(relaxed);
        view.billed_total = slot.billed.load(relaxed);
        view.sent_total = slot.sent.load(relaxed);
        view.refusals_total = slot.refusals.load(relaxed);
        view.faults_total = slot.faults.load(relaxed);
    };
    for (std::uint32_t i = 0; i < specs_.size(); ++i) {
        BackendBlock& block = blocks_[i];
        add(i, block.bare, {}, false);
        add(i, block.overflow, {}, true);
        for (std::size_t s = 0; s < deployments_max; ++s) {
            if (block.keys[s].load(relaxed) == 0) continue;
            std::array<char, SlotName::bytes_max> name{};
            add(i, block.slots[s], block.slots[s].read_name(name), false);
        }
    }
    return views;
}

} // namespace headroom::balance
