// Windows in virtual time, without ticks: a charge leaves exactly when its minute is over.
#include "bench/lab/limiter.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::lab {
namespace {

constexpr Duration minute = std::chrono::minutes(1);
constexpr Duration never = std::chrono::hours(24);

} // namespace

Charge charge_of(const LimiterModel& limiter, const Request& request, std::int64_t cached) noexcept {
    const std::int64_t cap = request.cap > 0 ? request.cap : limiter.default_max_tokens;
    const std::int64_t wide =
        request.cap > 0 ? request.prompt + request.cap : std::max(limiter.context, request.billed());
    if (limiter.window == WindowKind::ptu) {
        const auto weighted = [&](std::int64_t output) {
            return std::llround(static_cast<double>(output) * limiter.output_weight);
        };
        const std::int64_t fresh = std::max<std::int64_t>(request.prompt - cached, 0);
        const std::int64_t most = request.cap > 0 ? request.cap : request.output;
        return {fresh + weighted(std::max(most, request.output)), fresh + weighted(request.output)};
    }
    switch (limiter.charge) {
        case ChargeBy::prompt_and_max: return {request.characters + cap, request.characters + cap};
        case ChargeBy::max_only: return {cap, cap};
        case ChargeBy::billed: return {0, request.billed()};
        case ChargeBy::reserve: break;
    }
    return {std::max(wide, request.billed()), request.billed()};
}

Limiter::Limiter(const LimiterModel& model, const std::vector<LimitChange>& changes)
    : model_(model), changes_(changes) {}

bool Limiter::leaks() const noexcept {
    return model_.window == WindowKind::gcra || model_.window == WindowKind::ptu;
}

std::int64_t Limiter::ceiling() const noexcept {
    const double tpm = static_cast<double>(model_.tpm) * factor_;
    if (!leaks()) return static_cast<std::int64_t>(tpm);
    return static_cast<std::int64_t>(tpm * std::chrono::duration<double>(model_.burst).count() / 60);
}

std::int64_t Limiter::request_limit() const noexcept {
    const double slice = std::chrono::duration<double>(model_.slice).count();
    const double limit = model_.requests_per_minute() * factor_ * slice / 60;
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(limit + 1e-9));
}

void Limiter::move_to(Time now) {
    if (leaks()) {
        const double rate = static_cast<double>(model_.tpm) * factor_ / 60;
        const double seconds = std::chrono::duration<double>(now - leaked_at_).count();
        level_ = std::max(0.0, level_ - rate * seconds);
        leaked_at_ = now;
    }
    while (next_change_ < changes_.size() && changes_[next_change_].at <= now)
        factor_ = changes_[next_change_++].factor;
    while (!requests_.empty() && requests_.front() + model_.slice <= now)
        requests_.pop_front();
    if (model_.window == WindowKind::fixed) {
        const Duration since = now.time_since_epoch() - model_.phase;
        const std::int64_t window = since / minute - (since % minute < Duration::zero() ? 1 : 0);
        if (window != window_) log_.clear(), sum_ = 0;
        window_ = window;
    } else {
        while (!log_.empty() && log_.front().at + minute <= now) {
            sum_ -= log_.front().tokens;
            log_.pop_front();
        }
    }
}

Duration Limiter::until_tokens_fit(std::int64_t tokens, Time now) const {
    const std::int64_t most = ceiling();
    // By usage, a request is let in while there is anything left.
    const bool at_end = model_.charge == ChargeBy::billed && model_.window != WindowKind::ptu;
    const std::int64_t wanted = at_end ? std::max<std::int64_t>(tokens, 1) : tokens;
    if (leaks()) {
        const double over = level_ + static_cast<double>(wanted - most);
        if (over <= 1e-6) return Duration::zero();
        const double rate = static_cast<double>(model_.tpm) * factor_ / 60;
        if (rate <= 0 || wanted > most) return never;
        return std::chrono::nanoseconds(std::llround(std::ceil(over / rate * 1e9)) + 1);
    }
    if (sum_ + wanted <= most) return Duration::zero();
    if (wanted > most) return never;
    if (model_.window == WindowKind::fixed)
        return (window_ + 1) * minute + model_.phase - now.time_since_epoch();
    std::int64_t sum = sum_;
    for (const Entry& entry : log_) {
        sum -= entry.tokens;
        if (sum + wanted <= most) return entry.at + minute - now;
    }
    return never;
}

Duration Limiter::until_request_fits(Time now) const {
    const auto limit = static_cast<std::size_t>(request_limit());
    if (requests_.size() < limit) return Duration::zero();
    return requests_[requests_.size() - limit] + model_.slice - now;
}

Duration Limiter::until_fits(const Charge& charge, Time now) {
    move_to(now);
    return std::max(until_tokens_fit(charge.at_arrival, now), until_request_fits(now));
}

Admission Limiter::admit(const Charge& charge, Time now) {
    move_to(now);
    Admission admission;
    admission.charge = charge;
    const bool too_many = until_request_fits(now) > Duration::zero();
    const Duration tokens = until_tokens_fit(charge.at_arrival, now);
    if (too_many || tokens > Duration::zero()) {
        admission.exceeded = too_many ? Exceeded::requests : Exceeded::tokens;
        // What it says is true: where refused requests count, this one stands in the way of the next, too.
        if (model_.count_refused) requests_.push_back(now);
        admission.wait = std::max(until_request_fits(now), tokens);
        return admission;
    }
    requests_.push_back(now);
    admission.number = ++admitted_;
    if (leaks()) {
        level_ += static_cast<double>(charge.at_arrival);
    } else {
        log_.push_back({now, charge.at_arrival, admission.number});
        sum_ += charge.at_arrival;
    }
    return admission;
}

void Limiter::ended(const Admission& admission, Time now) {
    move_to(now);
    const std::int64_t change = admission.charge.at_end - admission.charge.at_arrival;
    if (change == 0) return;
    if (leaks()) {
        level_ = std::max(0.0, level_ + static_cast<double>(change));
        return;
    }
    if (model_.charge == ChargeBy::billed) {
        log_.push_back({now, admission.charge.at_end, admission.number});
        sum_ += admission.charge.at_end;
        return;
    }
    const auto entry = std::ranges::lower_bound(log_, admission.number, {}, &Entry::number);
    if (entry == log_.end() || entry->number != admission.number) return;
    entry->tokens += change;
    sum_ += change;
}

QuotaView Limiter::view(Time now) {
    move_to(now);
    QuotaView view;
    view.limit_tokens = static_cast<std::int64_t>(static_cast<double>(model_.tpm) * factor_);
    view.remaining_tokens = std::max<std::int64_t>(0, ceiling() - used(now));
    view.limit_requests = request_limit();
    view.remaining_requests =
        std::max<std::int64_t>(0, view.limit_requests - static_cast<std::int64_t>(requests_.size()));
    return view;
}

std::int64_t Limiter::used(Time now) {
    move_to(now);
    return leaks() ? std::llround(level_) : sum_;
}

std::int64_t Limiter::limit(Time now) {
    move_to(now);
    return ceiling();
}

} // namespace headroom::lab
