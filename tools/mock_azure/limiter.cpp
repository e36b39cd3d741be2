// Admission by estimated tokens and by requests per slice; the order is requests first, as observed.
#include "tools/mock_azure/limiter.hpp"

#include <algorithm>

namespace headroom::mock {

using std::chrono::nanoseconds;

namespace {

std::int64_t per_slice(const LimiterSettings& settings) {
    const std::int64_t slice_s = settings.slice.count();
    return settings.rpm == 0 ? 0 : std::max<std::int64_t>(1, (settings.rpm * slice_s + 59) / 60);
}

} // namespace

std::optional<ChargeBy> charge_by_from(std::string_view word) {
    if (word == "prompt+max") return ChargeBy::prompt_and_max;
    if (word == "max") return ChargeBy::max_only;
    if (word == "billed") return ChargeBy::billed;
    if (word == "reserve") return ChargeBy::reserve;
    return std::nullopt;
}

std::string_view to_string(ChargeBy charge) {
    switch (charge) {
        case ChargeBy::prompt_and_max: return "prompt+max";
        case ChargeBy::max_only: return "max";
        case ChargeBy::billed: return "billed";
        case ChargeBy::reserve: return "reserve";
    }
    return "prompt+max";
}

void Limiter::Second::add(std::int64_t amount, MockTime now) {
    const auto this_second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    if (this_second != index) {
        index = this_second;
        sum = 0;
    }
    sum += amount;
    max = std::max(max, sum);
}

Limiter::Limiter(const LimiterSettings& settings)
    : settings_(settings),
      tokens_(settings.window, settings.tpm, std::chrono::minutes(1)),
      requests_(settings.window, per_slice(settings), settings.slice) {}

std::int64_t Limiter::cost(const Demand& demand) const {
    if (settings_.charge == ChargeBy::billed) return 0;
    if (demand.embedding) return demand.prompt_tokens;
    switch (settings_.charge) {
        case ChargeBy::max_only:
            return demand.max_tokens.value_or(settings_.default_max_tokens) * demand.choices;
        case ChargeBy::reserve:
            return demand.max_tokens ? demand.prompt_tokens + *demand.max_tokens * demand.choices
                                     : demand.context_tokens;
        case ChargeBy::prompt_and_max:
        case ChargeBy::billed: break;
    }
    return demand.prompt_tokens + demand.max_tokens.value_or(settings_.default_max_tokens) * demand.choices;
}

Verdict Limiter::admit(const Demand& demand, MockTime now) {
    Verdict verdict{.charged = cost(demand), .at = now};
    const nanoseconds request_wait = requests_.wait_for(1, now);
    // With charging at the end only, the window is closed while it is full: one token must fit.
    const nanoseconds token_wait =
        tokens_.wait_for(settings_.charge == ChargeBy::billed ? 1 : verdict.charged, now);
    if (request_wait.count() > 0) {
        verdict = {Exceeded::requests, request_wait, 0, now};
    } else if (token_wait.count() > 0) {
        verdict = {Exceeded::tokens, token_wait, 0, now};
    }
    if (verdict.admitted() || settings_.count_rejected) {
        requests_.add(1, now);
        requests_second_.add(1, now);
    }
    if (verdict.admitted()) {
        tokens_.add(verdict.charged, now);
        tokens_second_.add(verdict.charged, now);
    }
    return verdict;
}

void Limiter::count_failed(MockTime now) {
    requests_.add(1, now);
    requests_second_.add(1, now);
}

void Limiter::settle(const Verdict& verdict, std::int64_t billed_tokens, MockTime now) {
    if (!verdict.admitted()) return;
    if (settings_.charge == ChargeBy::billed) {
        tokens_.add(billed_tokens, now);
        tokens_second_.add(billed_tokens, now);
    } else if (settings_.charge == ChargeBy::reserve) {
        tokens_.release(verdict.charged - billed_tokens, verdict.at, now);
    }
}

void Limiter::set_settings(const LimiterSettings& settings, MockTime now) {
    view(now); // what drained so far drained at the old rate
    settings_ = settings;
    tokens_.reconfigure(settings.window, settings.tpm, std::chrono::minutes(1));
    requests_.reconfigure(settings.window, per_slice(settings), settings.slice);
}

QuotaView Limiter::view(MockTime now) {
    return {tokens_.limit(),   tokens_.remaining(now),   tokens_.until_empty(now),
            requests_.limit(), requests_.remaining(now), requests_.until_empty(now)};
}

Peaks Limiter::peaks() const {
    return {tokens_.used_max(), tokens_second_.max, requests_.used_max(), requests_second_.max};
}

} // namespace headroom::mock
