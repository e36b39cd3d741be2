// Fields from the lowest bit: learned 1, rule 3, forgetting 2, factors 12 each, phase 6, samples 10,
// error 10.
#include "balance/quota_model.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

constexpr double factor_one = 1024;
constexpr double factor_max = 4095;
constexpr double error_one = 1023;

std::uint64_t bits(double value, double one, double most) noexcept {
    return static_cast<std::uint64_t>(std::llround(std::clamp(value * one, 0.0, most)));
}

} // namespace

Tokens QuotaModel::charge(const ChargeBasis& basis, Tokens cost) const noexcept {
    if (!learned) return cost;
    switch (rule) {
        case ChargeRule::characters_and_cap: return basis.characters + basis.cap;
        case ChargeRule::tokens_and_cap: return basis.prompt + basis.cap;
        case ChargeRule::cap_only: return basis.capped;
        case ChargeRule::usage: return basis.expected;
        case ChargeRule::reserved: return basis.reserved;
        case ChargeRule::fitted: break;
    }
    const double sum = prompt_factor * static_cast<double>(basis.prompt.count()) +
                       cap_factor * static_cast<double>(basis.cap.count());
    return Tokens(std::llround(sum));
}

std::uint64_t QuotaModel::packed() const noexcept {
    return static_cast<std::uint64_t>(learned) | static_cast<std::uint64_t>(rule) << 1 |
           static_cast<std::uint64_t>(forgetting) << 4 | bits(prompt_factor, factor_one, factor_max) << 6 |
           bits(cap_factor, factor_one, factor_max) << 18 | std::uint64_t{phase % ticks_per_window} << 30 |
           std::uint64_t{std::min(samples, 1023U)} << 36 | bits(error, error_one, error_one) << 46;
}

QuotaModel QuotaModel::unpacked(std::uint64_t word) noexcept {
    const auto field = [&](unsigned at, unsigned size) { return word >> at & ((1U << size) - 1); };
    QuotaModel model;
    model.learned = is_learned(word);
    model.rule = rule_of(word);
    model.forgetting = static_cast<Forgetting>(field(4, 2));
    model.prompt_factor = static_cast<double>(field(6, 12)) / factor_one;
    model.cap_factor = static_cast<double>(field(18, 12)) / factor_one;
    model.phase = static_cast<std::uint32_t>(field(30, 6));
    model.samples = static_cast<std::uint32_t>(field(36, 10));
    model.error = static_cast<double>(field(46, 10)) / error_one;
    return model;
}

} // namespace headroom::balance
