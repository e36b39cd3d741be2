// What an exchange tells the balancer of its request.
#include "balance/prompt/keyed_digest.hpp"
#include "core/exchange.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace headroom::core {
namespace {

/// Prompts are cached from 1,024 tokens on (Azure OpenAI prompt caching): of English about this many bytes.
constexpr std::size_t prefix_bytes = 4096;

/// The same in every replica, so that all send a prompt to where it is cached. That is why it has no secret:
/// whoever aims prompts at one backend meets the bound of its load, as with one prompt sent again and again.
std::uint64_t prefix_key(std::string_view start) noexcept {
    static const balance::KeyedDigest digest{balance::DigestKey{}};
    return digest.of(start, 0).low;
}

} // namespace

/// What requests with the same start of a prompt share: their cache key, or the first bytes of their bodies,
/// which come before anything that differs in all but odd clients.
std::uint64_t Exchange::prefix_of_body() noexcept {
    if (facts().prompt_cache_hash != 0) return facts().prompt_cache_hash;
    const bool any_choice = (candidates_ & (candidates_ - 1)) != 0;
    if (!any_choice || body_streams_ || body_.size() < prefix_bytes) return 0;
    const std::string_view first = body_.pieces().front().view();
    if (first.size() >= prefix_bytes) return prefix_key(first.substr(0, prefix_bytes));
    std::array<char, prefix_bytes> start; // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    std::size_t have = 0;
    for (const net::Slice& piece : body_.pieces()) {
        const std::string_view some = piece.view().substr(0, prefix_bytes - have);
        std::copy(some.begin(), some.end(), start.begin() + static_cast<std::ptrdiff_t>(have));
        have += some.size();
        if (have == prefix_bytes) break;
    }
    return prefix_key({start.data(), have});
}

balance::Demand Exchange::demand_on(std::uint64_t candidates, SlotKeys& keys) noexcept {
    const std::size_t backends = shard().config().backends.size();
    std::string_view last_name;
    balance::SlotKey last_key = shard().fleet().key({});
    for (std::uint32_t i = 0; i < backends; ++i) {
        if ((candidates >> i & 1U) == 0) continue;
        const std::string_view name = upstream_name(i);
        if (name != last_name) {
            last_name = name;
            last_key = shard().fleet().key(name);
        }
        keys[i] = last_key;
    }
    balance::Demand demand;
    demand.deployments = std::span(keys).first(backends);
    const balance::Cost cost = estimate_.cost();
    demand.cost = cost.charge;
    demand.prompt = cost.prompt;
    demand.basis = &basis_;
    demand.candidates = candidates;
    return demand;
}

balance::Supply Exchange::supply_in_turn() {
    SlotKeys keys;
    return shard().balancer().supply(shard().fleet(), demand_on(able_ones(), keys), shard().loop().now());
}

balance::Choice Exchange::choose(balance::Asking asking) {
    SlotKeys keys;
    balance::Demand demand = demand_on(candidates_, keys);
    demand.prefix = prefix_;
    demand.excluded = tries_.excluded();
    demand.operation = route_.operation;
    demand.may_probe = !body_streams_ && asking.late == 0;
    demand.random = shard().loop().random();
    demand.patience = asking.patience;
    demand.owner = asking.owner;
    demand.claims = asking.claims;
    demand.late = asking.late;
    demand.silent = asking.silent;
    if (asking.late != 0) demand.used_max = 1 - shard().config().hedge.spare_percent / 100.0;
    return shard().balancer().choose(shard().fleet(), demand, shard().loop().now(),
                                     {&shard().recorder(), tag()});
}

} // namespace headroom::core
