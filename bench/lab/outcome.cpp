// From records to figures.
#include "bench/lab/outcome.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace headroom::lab {
namespace {

using End = JobRecord::End;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

struct Spread {
    std::vector<double> values;
    void add(Duration duration) { values.push_back(seconds(duration)); }
    void sort() { std::ranges::sort(values); }
    [[nodiscard]] double at(double share) const { return quantile(values, share); }
    [[nodiscard]] double mean() const {
        double sum = 0;
        for (const double value : values)
            sum += value;
        return values.empty() ? std::numeric_limits<double>::quiet_NaN()
                              : sum / static_cast<double>(values.size());
    }
};

// Jain, Chiu, Hawe 1984, over the tenants that asked for something.
double jain(const std::vector<double>& shares) {
    double sum = 0;
    double squares = 0;
    for (const double share : shares) {
        sum += share;
        squares += share * share;
    }
    return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares)
                       : std::numeric_limits<double>::quiet_NaN();
}

/// What one request adds to its tenant's minute.
struct Share {
    std::int64_t minute = 0;
    std::uint32_t tenant = 0;
    bool lacked = false; ///< It waited or was refused.
    double served = 0;
};

std::vector<Share> shares_of(const Outcome& outcome, const Workload& workload) {
    std::vector<Share> all;
    const auto minute_of = [](Time at) { return at.time_since_epoch() / std::chrono::minutes(1); };
    for (std::size_t i = 0; i < outcome.jobs.size(); ++i) {
        const Request& request = workload.requests[i];
        const JobRecord& job = outcome.jobs[i];
        const bool served = job.end == End::served;
        const std::int64_t came = minute_of(request.at);
        const std::int64_t left = minute_of(served ? job.taken_at : request.at);
        if (served) all.push_back({left, request.tenant, false, static_cast<double>(request.billed())});
        const bool lacked = !served || job.taken > std::chrono::milliseconds(100);
        for (std::int64_t minute = came; lacked && minute <= left; ++minute)
            all.push_back({minute, request.tenant, true, 0});
    }
    std::ranges::sort(all, {},
                      [](const Share& one) { return std::tuple(one.minute, one.tenant, one.served); });
    return all;
}

// Only tenants that lacked something are compared: VTC's bound holds for those (Sheng et al., OSDI 2024).
double vtc_gap(const Outcome& outcome, const Workload& workload) {
    const std::vector<Share> all = shares_of(outcome, workload);
    double gap = 0;
    for (std::size_t i = 0; i < all.size();) {
        const std::int64_t minute = all[i].minute;
        double least = std::numeric_limits<double>::infinity();
        double most = 0;
        while (i < all.size() && all[i].minute == minute) {
            const std::uint32_t tenant = all[i].tenant;
            double served = 0;
            bool lacked = false;
            for (; i < all.size() && all[i].minute == minute && all[i].tenant == tenant; ++i) {
                served += all[i].served;
                lacked = lacked || all[i].lacked;
            }
            if (!lacked) continue;
            least = std::min(least, served);
            most = std::max(most, served);
        }
        gap = std::max(gap, most - std::min(least, most));
    }
    return gap;
}

double cost_of(const Outcome& outcome, const FleetModel& fleet, double hours) {
    double cost = 0;
    for (std::size_t i = 0; i < fleet.backends.size(); ++i) {
        const PriceModel& price = fleet.backends[i].price;
        const BackendTally& tally = outcome.backends[i];
        cost += price.hour * hours;
        if (price.hour > 0) continue; // Provisioned throughput is paid by the hour alone.
        cost += (static_cast<double>(tally.prompt - tally.cached) * price.input +
                 static_cast<double>(tally.cached) * price.cached +
                 static_cast<double>(tally.output) * price.output) /
                1e6;
    }
    return cost;
}

void add_quantiles(const Outcome& outcome, Figures& figures) {
    Spread wait;
    Spread first;
    Spread whole;
    for (const JobRecord& job : outcome.jobs) {
        if (job.end != End::served) continue;
        wait.add(job.taken);
        first.add(job.first);
        whole.add(job.whole);
    }
    wait.sort(), first.sort(), whole.sort();
    figures.wait_mean_s = wait.mean();
    figures.wait_p50_s = wait.at(0.5), figures.wait_p99_s = wait.at(0.99);
    figures.ttft_p50_s = first.at(0.5), figures.ttft_p99_s = first.at(0.99);
    figures.latency_p50_s = whole.at(0.5), figures.latency_p99_s = whole.at(0.99);
}

} // namespace

double quantile(const std::vector<double>& sorted, double share) noexcept {
    if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::vector<double> waits_by_hundredths(const Outcome& outcome) {
    constexpr int steps = 100;
    Spread waits;
    for (const JobRecord& job : outcome.jobs) {
        if (job.end == End::served) waits.add(job.taken);
    }
    waits.sort();
    std::vector<double> at;
    for (int i = 0; i <= steps; ++i)
        at.push_back(waits.at(static_cast<double>(i) / steps));
    return at;
}

Figures figures_of(const Outcome& outcome, const Workload& workload, const FleetModel& fleet) {
    Figures figures;
    const double minutes = seconds(workload.span) / 60;
    std::vector<double> wanted(workload.tenants.size());
    std::vector<double> had(workload.tenants.size());
    double tokens = 0, prompt = 0, cached = 0, refusals = 0, attempts = 0, expired = 0;
    for (std::size_t i = 0; i < outcome.jobs.size(); ++i) {
        const JobRecord& job = outcome.jobs[i];
        const Request& request = workload.requests[i];
        const auto billed = static_cast<double>(request.billed());
        wanted[request.tenant] += billed;
        figures.offered += billed / minutes;
        refusals += job.client_refusals;
        attempts += job.attempts;
        expired += job.end == End::expired || job.end == End::late ? 1 : 0;
        if (job.end != End::served) continue;
        ++figures.served;
        tokens += billed;
        had[request.tenant] += billed;
        prompt += static_cast<double>(request.prompt);
        cached += static_cast<double>(job.cached);
    }
    double upstream = 0, charged = 0;
    for (const BackendTally& tally : outcome.backends) {
        upstream += static_cast<double>(tally.refused);
        charged += static_cast<double>(tally.charged);
    }
    const auto requests = static_cast<double>(outcome.jobs.size());
    figures.requests = requests;
    figures.goodput = tokens / minutes;
    figures.client_429_rate = refusals / requests;
    figures.upstream_429_rate = upstream / requests;
    figures.upstream_429_share = attempts > 0 ? upstream / attempts : 0;
    figures.attempts = attempts / requests;
    figures.utilisation = charged / (static_cast<double>(fleet.tokens_per_minute()) * minutes);
    figures.failed_share = 1 - figures.served / requests;
    figures.expired_share = expired / requests;
    add_quantiles(outcome, figures);
    std::vector<double> shares;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] > 0) shares.push_back(had[i] / wanted[i]);
    }
    figures.jain = jain(shares);
    figures.vtc_gap = vtc_gap(outcome, workload);
    figures.cached_share = prompt > 0 ? cached / prompt : std::numeric_limits<double>::quiet_NaN();
    figures.cost = cost_of(outcome, fleet, minutes / 60) / tokens * 1e6;
    return figures;
}

} // namespace headroom::lab
