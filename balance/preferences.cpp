// The favourite is found by rendezvous hashing (Thaler, Ravishankar 1998), with loads bounded so that a
// popular prefix cannot fill one backend while others idle (Mirrokni, Thorup, Zadimoghaddam 2018).
#include "balance/preferences.hpp"

#include "balance/bit_mixing.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

// Caches begin to work at 1,024 tokens and are worth most for long prompts (Azure OpenAI prompt caching).
constexpr double cached_prompt_min = 1'024;
constexpr double cached_prompt_full = 8'192;
constexpr double cache_weight = 0.25;
constexpr double pace_weight = 0.1;
constexpr double price_weight = 0.1;
// How much more than the others a favourite may have.
constexpr double load_factor = 1.25;
constexpr double load_free = 0.1;
// A tier is used up to here before anything leaves it.
constexpr double spill_above = 0.75;
constexpr double spill_within = 0.2;

} // namespace

Preferences::Preferences(const DecisionInput& input, BackendMask group) noexcept {
    double used = 0;
    int count = 0;
    for_each(group, [&](std::uint32_t backend) {
        const Outlook& look = input.look[backend];
        if (look.pace > 0 && (fastest_ == 0 || look.pace < fastest_)) fastest_ = look.pace;
        used += look.used;
        ++count;
    });
    const auto prompt = static_cast<double>(input.prompt.count());
    if (input.prefix == 0 || count < 2 || prompt < cached_prompt_min) return;
    cache_value_ = cache_weight * std::min(1.0, prompt / cached_prompt_full + 0.25);
    const double bound = load_factor * used / count + load_free;
    std::uint64_t highest = 0;
    for_each(group, [&](std::uint32_t backend) {
        const Outlook& look = input.look[backend];
        const std::uint64_t rank = mixed(input.prefix + (backend + 1) * mixing_step);
        if (look.state != Outlook::State::open || !look.fits || look.used > bound) return;
        if (favourite_ != backends_max && rank <= highest) return;
        highest = rank;
        favourite_ = backend;
    });
}

double Preferences::of(std::uint32_t backend, const Outlook& look) const noexcept {
    double sum = backend == favourite_ ? cache_value_ : 0;
    if (look.pace > 0 && fastest_ > 0) sum -= pace_weight * std::min(1.0, look.pace / fastest_ - 1);
    return sum - price_weight * std::clamp(look.price, 0.0, 1.0);
}

bool Preferences::moves(std::uint32_t backend, const Outlook& look, double chance) const noexcept {
    if (look.rush <= 0 || look.usual <= 0 || backend == favourite_) return false;
    // Each request moves as many tokens in expectation, so that together they are the part that will not fit,
    // and small ones are moved rather than large ones.
    const double near = std::clamp((look.used - spill_above) / spill_within, 0.0, 1.0);
    return chance < look.rush * look.usual * near;
}

} // namespace headroom::balance
