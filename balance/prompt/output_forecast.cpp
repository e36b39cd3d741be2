// Means for sums and quantiles for single requests: reserving a quantile for every request of a minute would
// overcharge the minute, reserving the mean would fail every second request.
#include "balance/prompt/output_forecast.hpp"

#include "balance/request_facts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace headroom::balance {
namespace {

// About the last sixty answers of a kind count. On Azure's traces of 2023 that is as good for code as longer
// memories, and better for chats, which change within the hour.
constexpr double mean_weight = 0.03;
constexpr double high_part = 0.9;
constexpr double general_worth = 8;
// Until anything is known, the longest tenth is assumed to be this many times the mean.
constexpr double high_factor = 3;
// 2^(1/500).
constexpr float weight_growth = 1.001387256F;
constexpr float weight_max = 1e6F;
constexpr double buckets_per_octave = 8;

std::uint64_t mixed(std::uint64_t name, std::uint64_t more) noexcept {
    name = (name ^ more) * 0x9e3779b97f4a7c15U;
    return name ^ name >> 29;
}

} // namespace

void SizeHistogram::add(Tokens size) noexcept {
    const double value = static_cast<double>(std::max<std::int64_t>(size.count(), 0));
    // Bucket 0 is for empty answers, bucket 1 begins at one token.
    const double place = value < 1 ? 0 : 1 + std::floor(std::log2(value) * buckets_per_octave);
    const auto bucket = static_cast<std::size_t>(std::min(place, double{bucket_count - 1}));
    buckets_[bucket] += weight_;
    sum_ += weight_;
    weight_ *= weight_growth;
    if (weight_ < weight_max) return;
    // Summed up anew, so that what rounding has lost is lost once only.
    sum_ = 0;
    for (float& each : buckets_) {
        each /= weight_;
        sum_ += each;
    }
    weight_ = 1;
}

double SizeHistogram::quantile(double part) const noexcept {
    const double wanted = part * double{sum_};
    double below = 0;
    double size = 0;
    for (std::size_t i = 0; i < bucket_count && below < wanted; ++i) {
        const double here = double{buckets_[i]};
        if (here == 0) continue;
        // Sizes are taken to be spread evenly over the octave's eighth; the sum may differ from the buckets
        // by what rounding has lost, and then the largest size is the answer.
        const double inside = std::min(1.0, (wanted - below) / here);
        size = i == 0 ? 0 : std::exp2((static_cast<double>(i) - 1 + inside) / buckets_per_octave);
        below += here;
    }
    return size;
}

std::array<std::uint64_t, OutputForecast::level_count> OutputForecast::names_of(
    const OutputKind& kind) noexcept {
    const auto prompt = static_cast<std::uint64_t>(std::max<std::int64_t>(kind.prompt.count(), 0));
    const std::uint64_t operation = mixed(1, static_cast<std::uint64_t>(kind.operation));
    const std::uint64_t deployment = mixed(operation + 2, kind.deployment);
    const std::uint64_t asked = mixed(mixed(deployment + 3, kind.effort), kind.capped ? 1 : 0);
    const std::uint64_t sized = mixed(asked + 4, static_cast<std::uint64_t>(std::bit_width(prompt)));
    return {operation, deployment, asked, sized};
}

OutputGuess OutputForecast::guess(const OutputKind& kind) const noexcept {
    const double assumed = static_cast<double>(output_expected_default.count());
    OutputGuess guess{assumed, assumed * high_factor};
    // The assumption is worth one answer; what is known of a more general kind is worth eight.
    double worth = 1;
    for (const std::uint64_t name : names_of(kind)) {
        const Sizes* const sizes = sizes_.find(name);
        if (sizes == nullptr) continue;
        const double samples = sizes->mean.count();
        const double trust = samples / (samples + worth);
        guess.mean += (sizes->mean.mean() - guess.mean) * trust;
        guess.high += (sizes->histogram.quantile(high_part) - guess.high) * trust;
        worth = general_worth;
    }
    guess.high = std::max(guess.high, guess.mean);
    return guess;
}

void OutputForecast::observe(const OutputKind& kind, Tokens size) noexcept {
    size = std::clamp(size, Tokens(0), request_cost_max);
    for (const std::uint64_t name : names_of(kind)) {
        Sizes& sizes = sizes_.touch(name);
        sizes.mean.add(static_cast<double>(size.count()), mean_weight);
        sizes.histogram.add(size);
    }
}

} // namespace headroom::balance
