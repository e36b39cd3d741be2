// Log-linear buckets: 128 to every power of two, so a bucket is at most 1/128 of its value wide.
#include "tools/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace headroom::load {
namespace {

constexpr unsigned precision_bits = 7;
constexpr std::size_t bucket_count = std::size_t{64 - precision_bits + 1} << precision_bits;

// Values below 2^8 have a bucket each; above, the top eight bits and the number of bits shifted away name the
// bucket.
std::size_t bucket_of(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > precision_bits + 1 ? width - precision_bits - 1 : 0;
    return (std::size_t{shift} << precision_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t middle_of(std::size_t bucket) noexcept {
    if (bucket < (std::size_t{2} << precision_bits)) return bucket;
    const std::size_t shift = (bucket >> precision_bits) - 1;
    const std::uint64_t top = bucket - (shift << precision_bits);
    return (top << shift) + (std::uint64_t{1} << shift) / 2;
}

Nanoseconds as_duration(std::uint64_t value) noexcept {
    return Nanoseconds{static_cast<Nanoseconds::rep>(value)};
}

} // namespace

Histogram::Histogram() : buckets_(bucket_count) {}

void Histogram::record(Nanoseconds value) noexcept {
    const auto amount = static_cast<std::uint64_t>(std::max<Nanoseconds::rep>(value.count(), 0));
    ++buckets_[bucket_of(amount)];
    ++count_;
    min_ = std::min(min_, amount);
    max_ = std::max(max_, amount);
    sum_ += static_cast<double>(amount);
}

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < bucket_count; ++i)
        buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

Nanoseconds Histogram::min() const noexcept {
    return as_duration(count_ == 0 ? 0 : min_);
}

Nanoseconds Histogram::max() const noexcept {
    return as_duration(max_);
}

Nanoseconds Histogram::mean() const noexcept {
    if (count_ == 0) return Nanoseconds{0};
    return as_duration(static_cast<std::uint64_t>(std::llround(sum_ / static_cast<double>(count_))));
}

Nanoseconds Histogram::quantile(double q) const noexcept {
    if (count_ == 0) return Nanoseconds{0};
    const double exact = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
    const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
    if (rank == count_) return max();
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        seen += buckets_[i];
        if (seen >= rank) return as_duration(std::clamp(middle_of(i), min_, max_));
    }
    return max();
}

} // namespace headroom::load
