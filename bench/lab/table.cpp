// Columns that fit into 140 characters; all others are in JSON and HTML.
#include "bench/lab/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace headroom::lab {
namespace {

std::string number(double value, int digits) {
    return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

std::string percent(double value, int digits = 1) {
    return std::isnan(value) ? "-" : fmt::format("{:.{}f}%", value * 100, digits);
}

std::string with_interval(const Estimate& estimate, std::size_t seeds, double scale, int digits) {
    std::string text = number(estimate.mean * scale, digits);
    if (seeds > 1) text += " ±" + number(estimate.half_width * scale, digits);
    return text;
}

} // namespace

std::string table_of(const LoadResult& result) {
    std::vector<const StrategyResult*> order;
    order.reserve(result.strategies.size());
    for (const StrategyResult& one : result.strategies)
        order.push_back(&one);
    std::ranges::sort(order, [](const StrategyResult* a, const StrategyResult* b) {
        const double left = figure(*a, &Figures::goodput).mean;
        const double right = figure(*b, &Figures::goodput).mean;
        return left != right ? left > right : a < b; // as they stand, if equal
    });
    const std::size_t seeds = result.bounds.size();
    std::string text;
    auto to = std::back_inserter(text);
    std::vector<double> fluid;
    std::vector<double> flow;
    for (const Bounds& bounds : result.bounds)
        fluid.push_back(bounds.fluid), flow.push_back(bounds.flow);
    fmt::format_to(
        to,
        "load {} of the quotas, {} requests in {:.0f} s, {} seed{}; bounds: fluid {}, flow {} tokens/min\n",
        percent(result.load, 0), result.workload.requests.size(),
        std::chrono::duration<double>(result.workload.span).count(), seeds, seeds == 1 ? "" : "s",
        number(estimate_of(fluid).mean, 0), number(estimate_of(flow).mean, 0));
    fmt::format_to(to, "{:<20} {:>15} {:>9} {:>8} {:>8} {:>10} {:>9} {:>7} {:>6} {:>8} {:>8} {:>8} {:>6}\n",
                   "strategy", "goodput", "of bound", "failed", "missed", "client429", "429/req", "tries",
                   "quota", "wait", "wait p99", "ttft p99", "Jain");
    for (const StrategyResult* one : order) {
        const auto mean = [&](double Figures::* field) { return figure(*one, field).mean; };
        fmt::format_to(
            to, "{:<20} {:>15} {:>9} {:>8} {:>8} {:>10} {:>9} {:>7} {:>6} {:>7}s {:>7}s {:>7}s {:>6}\n",
            one->strategy->name, with_interval(figure(*one, &Figures::goodput), seeds, 1, 0),
            percent(share_of(*one, result.bounds, &Bounds::flow).mean), percent(mean(&Figures::failed_share)),
            percent(mean(&Figures::expired_share)), number(mean(&Figures::client_429_rate), 3),
            number(mean(&Figures::upstream_429_rate), 3), number(mean(&Figures::attempts), 2),
            percent(mean(&Figures::utilisation), 0), number(mean(&Figures::wait_mean_s), 1),
            number(mean(&Figures::wait_p99_s), 1), number(mean(&Figures::ttft_p99_s), 1),
            number(mean(&Figures::jain), 3));
    }
    return text;
}

} // namespace headroom::lab
