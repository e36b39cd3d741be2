// Construction, looking at a backend and reserving on it; the policy that uses these is in balancer.cpp.
#include "balance/fleet.hpp"

#include "balance/name_hash.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <optional>
#include <utility>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr int requests_per_1000_tokens = 6;
constexpr double weight_min = 1e-3;
// Enough to notice that it answers again.
constexpr double stalled_share = 0.05;
// A shortage is looked for this far ahead, where that much is used already.
constexpr std::uint32_t horizon_ticks = 10;
constexpr double rush_matters_above = 0.5;
// Where no limit is known, backends of equal weight should share what is sent: the less it has, the more it
// gets. The figure only sets how fast that outweighs backends whose limit is known.
constexpr double tokens_assumed = 250'000;

std::int64_t requests_per_minute(int rpm, Tokens tpm) noexcept {
    return rpm > 0 ? rpm : tpm.count() * requests_per_1000_tokens / 1000;
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

bool shut(const Breaker::View& view) noexcept {
    return view.state == Breaker::State::open || view.state == Breaker::State::probing;
}

Tokens charge_of(const Slot& slot, const Want& want) noexcept {
    const Tokens cost = std::clamp(want.cost, Tokens(0), request_cost_max);
    return want.basis != nullptr ? slot.charge(*want.basis, cost) : cost;
}

/// Whether `charge` leaves room for what another's queue claims, now and when that opens.
bool fits_beside(const Claim::View& claim, const Slot& slot, std::int64_t charge,
                 const Moment& now) noexcept {
    const std::int64_t requests = slot.requests.limit();
    if (requests > 0 && slot.requests.used() + 2 > requests) return false;
    if (slot.capacity() == 0 || charge == 0) return true;
    const std::int64_t then = slot.tokens.counted_at(claim.opens_ms * 1'000'000, slot.rate(), now);
    return then + charge + claim.tokens.count() <= slot.ceiling();
}

/// Whether what comes will fit if it comes as it did.
Foresight::View foresee(const Slot& slot, const Moment& now) noexcept {
    const std::int64_t recent = slot.tokens.recent(horizon_ticks, now);
    if (recent <= 0) return {};
    const std::int64_t then_ns = now.ns + now.tick_ns * horizon_ticks;
    const std::int64_t over = slot.tokens.counted_at(then_ns, slot.rate(), now) + recent - slot.ceiling();
    const auto requests = std::max<std::int64_t>(1, slot.requests.recent_ten());
    return {std::max(0.0, static_cast<double>(over) / static_cast<double>(recent)),
            static_cast<double>(recent) / static_cast<double>(requests)};
}

void look_ahead(Slot& slot, std::int64_t cost, const Moment& now, Outlook& look) noexcept {
    std::optional<Foresight::View> seen = slot.foresight.in(now.quarter);
    if (!seen) {
        seen = foresee(slot, now);
        slot.foresight.keep(now.quarter, *seen);
    }
    look.rush = std::min(1.0, seen->rush);
    look.usual = seen->mean / static_cast<double>(cost);
}

/// What the quota makes of one more request.
void predict(Slot& slot, Tokens charge, std::uint32_t owner, const Moment& now, double weight,
             Outlook& look) noexcept {
    const std::int64_t cost = charge.count();
    const std::int64_t entry = slot.entry(charge).count();
    const std::int64_t capacity = slot.capacity();
    const std::int64_t requests_limit = slot.requests.limit();
    const std::int64_t requests = slot.requests.used() + 1;
    double used = slot.request_share.used(now.tick);
    bool fits = requests_limit == 0 || requests <= requests_limit;
    look.hopeless = !fits && slot.requests.certain();
    if (requests_limit != 0)
        used = std::max(used, static_cast<double>(requests) / static_cast<double>(requests_limit));
    look.size = look.rush = look.usual = 0;
    look.room = 1e18;
    if (cost != 0) {
        const std::int64_t counted = slot.tokens_counted(now);
        fits = fits && slot.takes(entry, counted) && slot.paces(cost, counted);
        used = std::max(used, tokens_used(counted + slot.uncounted() + cost, capacity, weight));
        if (capacity > 0) {
            look.room = static_cast<double>(slot.ceiling() - counted - entry);
            look.size = static_cast<double>(cost) / static_cast<double>(capacity);
        }
    }
    if (const Claim::View claim = slot.claim.view(now.ms); claim.owner != 0 && claim.owner != owner)
        fits = fits && fits_beside(claim, slot, entry, now);
    if (cost != 0 && capacity > 0 && used > rush_matters_above) look_ahead(slot, cost, now, look);
    look.used = used;
    look.fits = fits;
    look.pace = slot.speed.pace();
    // A backend that tells what is left is believed, but now and then put to the test.
    const std::int64_t told_ms = slot.told_at_ms.load(relaxed);
    const bool told = told_ms != 0 && now.ms - told_ms < now.window_ns() / 1'000'000;
    look.may_go_over = told ? now.ms - slot.over_at_ms.load(relaxed) >= slot.over_pause_ms.load(relaxed)
                            : slot.over_pending.load(relaxed) < over_pending_max;
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
        blocks_[i].hold_refusals_at(options_.refusals_per_1000);
        blocks_[i].set_quota(spec.tpm.count(), requests_per_minute(spec.rpm, spec.tpm), spec.rpm > 0);
        for (const DeploymentSpec& own : spec.overrides) {
            Slot* slot = blocks_[i].claim(key(own.name));
            if (slot == nullptr) continue;
            const Tokens tpm = own.tpm > Tokens(0) ? own.tpm : spec.tpm;
            const bool inherits_rpm = own.rpm == 0 && own.tpm == Tokens(0);
            const int rpm = inherits_rpm ? spec.rpm : own.rpm;
            slot->set_quota(tpm.count(), requests_per_minute(rpm, tpm), rpm > 0);
        }
    }
}

Fleet::~Fleet() = default;

SlotKey Fleet::key(std::string_view upstream_name) const noexcept {
    if (upstream_name.empty()) return {};
    return {name_hash(upstream_name, options_.seed), upstream_name};
}

Moment Fleet::moment(Time now) const noexcept {
    Moment at;
    at.tick_ns =
        std::max<std::int64_t>(std::int64_t{fine_per_tick}, std::chrono::nanoseconds(options_.tick).count());
    at.ns = std::max<std::int64_t>(0, std::chrono::nanoseconds(now.time_since_epoch()).count());
    const std::int64_t ticks = at.ns / at.tick_ns;
    at.tick = static_cast<std::uint32_t>(std::clamp<std::int64_t>(ticks + 1, 1, window_tick_max));
    const std::int64_t within = at.ns - ticks * at.tick_ns;
    const auto part = [&](std::uint32_t parts) {
        const std::int64_t at_part = ticks * parts + within * parts / at.tick_ns;
        return static_cast<std::uint32_t>(std::min<std::int64_t>(at_part + 1, UINT32_MAX));
    };
    at.quarter = part(quarters_per_tick);
    at.fine = part(fine_per_tick);
    at.ms = std::max<std::int64_t>(1, at.ns / 1'000'000);
    return at;
}

void Fleet::look_at(std::uint32_t backend, const Want& want, Moment now, Outlook& look) noexcept {
    BackendBlock& block = blocks_[backend];
    Slot& slot = block.slot_of(want.deployment.hash);
    slot.tokens.advance(now);
    slot.requests.advance(now);
    const Tokens charge = charge_of(slot, want);
    predict(slot, charge, want.owner, now, shape_.relative_weight[backend], look);
    look.price = specs_[backend].price;

    const std::int64_t ms = now.ms;
    const Breaker::View connection = block.connection.view(ms);
    const Breaker::View health = slot.breaker.view(ms);
    const std::int64_t blocked_until = slot.block.until_ms(charge, look.fits, ms);
    std::int64_t broken_until =
        std::max(shut(connection) ? connection.until_ms : 0, shut(health) ? health.until_ms : 0);
    if (&slot == &block.overflow)
        broken_until = std::max(broken_until, block.missing_until_ms(want.deployment.hash));
    look.state = Outlook::State::open;
    look.recovery = Duration::zero();
    look.share = std::min(connection.share, health.share);
    if (slot.pulse.stalled(ms)) look.share = std::min(look.share, stalled_share);
    if (broken_until > ms) {
        look.state = Outlook::State::broken;
        look.recovery = until(std::max(broken_until, blocked_until), ms);
    } else if (blocked_until > ms) {
        look.state = Outlook::State::blocked;
        look.recovery = until(blocked_until, ms);
    } else if (connection.state == Breaker::State::due || health.state == Breaker::State::due) {
        look.state = Outlook::State::probe;
    }
}

Duration Fleet::opening(std::uint32_t backend, const Want& want, Moment now) noexcept {
    Slot& slot = blocks_[backend].slot_of(want.deployment.hash);
    slot.tokens.advance(now);
    slot.requests.advance(now);
    const Tokens charge = charge_of(slot, want);
    const Tokens entry = slot.entry(charge);
    std::int64_t opens_ns = slot.requests.opening_ns(now);
    const Claim::View claim = slot.claim.view(now.ms);
    const bool claimed = claim.owner != 0 && claim.owner != want.owner;
    if (slot.capacity() > 0 && entry > Tokens(0)) {
        const std::int64_t ahead = claimed ? claim.tokens.count() : 0;
        opens_ns = std::max(opens_ns,
                            slot.tokens.opening_ns(entry.count() + ahead, slot.ceiling(), slot.rate(), now));
    }
    if (charge > Tokens(0) && !slot.paces(charge.count(), slot.tokens_counted(now)))
        opens_ns = std::max(opens_ns, now.ns + slot.pulse.usual_ns());
    const std::int64_t blocked_ms = slot.block.until_ms(charge, false, now.ms);
    if (blocked_ms > now.ms) opens_ns = std::max(opens_ns, blocked_ms * 1'000'000);
    // Behind a claim for a request slot there is room only once that one is taken up.
    if (claimed) opens_ns = std::max(opens_ns, claim.opens_ms * 1'000'000);
    return std::chrono::nanoseconds(opens_ns - now.ns);
}

void Fleet::add_supply(std::uint32_t backend, const Want& want, Moment now, Supply& supply) noexcept {
    BackendBlock& block = blocks_[backend];
    Slot& slot = block.slot_of(want.deployment.hash);
    if (shut(block.connection.view(now.ms)) || shut(slot.breaker.view(now.ms))) return;
    slot.tokens.advance(now);
    supply.add(slot, want.cost, charge_of(slot, want), now);
}

bool Fleet::claim(std::uint32_t backend, const Want& want, Duration opens, Moment now) noexcept {
    if (want.owner == 0 || want.owner >= owners_max) return false;
    Slot& slot = blocks_[backend].slot_of(want.deployment.hash);
    if (claimed_[want.owner].load(relaxed) != &slot) drop_claim(want.owner);
    const Tokens entry = slot.entry(charge_of(slot, want));
    // What is larger than a bucket would keep everybody out until that is empty, for nothing.
    if (slot.burst.certain() && entry.count() > slot.capacity()) return false;
    const std::int64_t opens_ms = now.ms + std::chrono::ceil<std::chrono::milliseconds>(opens).count();
    if (!slot.claim.set(want.owner, entry, opens_ms, now.ms)) return false;
    claimed_[want.owner].store(&slot, relaxed);
    return true;
}

void Fleet::drop_claim(std::uint32_t owner) noexcept {
    if (owner == 0 || owner >= owners_max) return;
    Slot* const slot = claimed_[owner].load(relaxed);
    if (slot == nullptr) return;
    slot->claim.drop(owner);
    claimed_[owner].store(nullptr, relaxed);
}

Lease Fleet::take(std::uint32_t backend, const Want& want, Taking taking, Moment now) noexcept {
    BackendBlock& block = blocks_[backend];
    Slot& slot = block.slot_of(want.deployment.hash);
    Lease lease;
    lease.fleet_ = this;
    lease.block_ = &block;
    lease.backend_ = backend;
    lease.cost_ = charge_of(slot, want);
    lease.prompt_ = std::clamp(want.prompt, Tokens(0), request_cost_max);
    lease.basis_ = want.basis != nullptr ? *want.basis : ChargeBasis::of(lease.prompt_, lease.cost_);
    lease.started_ms_ = now.ms;
    lease.last_resort_ = taking == Taking::last_resort;
    lease.unclaimed_ = &slot == &block.overflow;
    if (lease.unclaimed_) lease.name_ = SlotName(want.deployment);

    if (taking == Taking::probe && !lease.become_probe(slot, now.ms)) return {};
    slot.tokens.advance(now);
    slot.requests.advance(now);
    lease.over_ = taking == Taking::anyway;
    if (lease.over_) slot.over_at_ms.store(now.ms, relaxed);
    lease.reserve(slot, taking == Taking::if_fits, now);
    return lease;
}

bool Fleet::can_serve(std::uint32_t backend, Time now) const noexcept {
    const BackendBlock& block = blocks_[backend];
    const std::int64_t ms = moment(now).ms;
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
    const Moment at = moment(now);
    const auto add = [&](std::uint32_t backend, Slot& slot, std::string_view deployment, bool overflow) {
        slot.tokens.advance(at);
        slot.requests.advance(at);
        SlotView& view = views.emplace_back();
        view.backend = backend;
        view.deployment = deployment;
        view.overflow = overflow;
        view.tokens_limit = Tokens(slot.limit.effective());
        view.tokens_configured = Tokens(slot.limit.configured());
        view.margin = slot.limit.margin();
        view.limit_source = slot.limit.source();
        if (const std::int64_t since = slot.limit.since_ms(); since != 0)
            view.limit_for = until(at.ms, since);
        view.tokens_saved = Tokens(slot.tokens.forgetting() == Forgetting::bucket ? slot.burst.depth() : 0);
        view.tokens_rate = Tokens(slot.burst.rate());
        view.forgetting = slot.tokens.forgetting();
        view.model = slot.learner.model();
        view.tokens_used = Tokens(slot.tokens_counted(at));
        view.tokens_correction = Tokens(slot.tokens.correction(at));
        view.tokens_reserved = Tokens(slot.reserved.load(relaxed));
        view.requests_limit = slot.requests.limit();
        view.requests_slice_s = slot.requests.slice();
        view.requests_used = slot.requests.used();
        view.in_flight = slot.in_flight.load(relaxed);
        const Block::View held = slot.block.view(at.ms);
        if (held.until_ms > at.ms) view.blocked_for = until(held.until_ms, at.ms);
        view.blocked_above = held.above;
        view.breaker = slot.breaker.view(at.ms).state;
        view.connection = blocks_[backend].connection.view(at.ms).state;
        view.charged_total = slot.charged.load(relaxed);
        view.used_total = slot.used.load(relaxed);
        view.billed_total = slot.billed.load(relaxed);
        view.sent_total = slot.sent.load(relaxed);
        view.refusals_total = slot.refusals.load(relaxed);
        view.faults_total = slot.faults.load(relaxed);
        if (!overflow) view.late_after = slot.delay.known();
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
