// Columns that fit into 140 characters; the other figures have a table of their own.
#include "bench/lab/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace headroom::lab {
namespace {

std::string number(double value, int digits) {
    return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string percent(double value, int digits = 1) {
    return std::isfinite(value) ? fmt::format("{:.{}f}%", value * 100, digits) : "-";
}

std::string with_interval(const Estimate& estimate, std::size_t seeds) {
    std::string text = number(estimate.mean, 0);
    if (seeds > 1) text += " ±" + number(estimate.half_width, 0);
    return text;
}

std::vector<const StrategyResult*> best_first(const LoadResult& result) {
    std::vector<const StrategyResult*> order;
    order.reserve(result.strategies.size());
    for (const StrategyResult& one : result.strategies)
        order.push_back(&one);
    std::ranges::sort(order, [](const StrategyResult* a, const StrategyResult* b) {
        const double left = figure(*a, &Figures::goodput).mean;
        const double right = figure(*b, &Figures::goodput).mean;
        return left != right ? left > right : a < b; // as they stand, if equal
    });
    return order;
}

void add_title(const LoadResult& result, std::string& text) {
    const std::size_t seeds = result.bounds.size();
    std::vector<double> fluid;
    std::vector<double> flow;
    for (const Bounds& bounds : result.bounds)
        fluid.push_back(bounds.fluid), flow.push_back(bounds.flow);
    fmt::format_to(
        std::back_inserter(text),
        "load {} of the quotas, {} requests in {:.0f} s, {} seed{}; bounds: fluid {}, flow {} tokens/min\n",
        percent(result.load, 0), result.workload.requests.size(),
        std::chrono::duration<double>(result.workload.span).count(), seeds, seeds == 1 ? "" : "s",
        number(estimate_of(fluid).mean, 0), number(estimate_of(flow).mean, 0));
}

void add_main_rows(const LoadResult& result, std::string& text) {
    auto to = std::back_inserter(text);
    fmt::format_to(to,
                   "{:<20} {:>15} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9} {:>9} {:>6} {:>6} {:>7} {:>7} {:>8}\n",
                   "strategy", "goodput", "of fluid", "of flow", "of clair", "failed", "missed", "client429",
                   "upstr.429", "tries", "quota", "wait", "wait99", "ttft p99");
    const StrategyResult* clairvoyant = find_result(result, "clairvoyant");
    for (const StrategyResult* one : best_first(result)) {
        const auto mean = [&](double Figures::* field) { return figure(*one, field).mean; };
        const double reference = clairvoyant != nullptr ? ratio(*one, *clairvoyant).mean : std::nan("");
        fmt::format_to(
            to, "{:<20} {:>15} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9} {:>9} {:>6} {:>6} {:>6}s {:>6}s {:>7}s\n",
            one->strategy->name, with_interval(figure(*one, &Figures::goodput), result.bounds.size()),
            percent(share_of(*one, result.bounds, &Bounds::fluid).mean),
            percent(share_of(*one, result.bounds, &Bounds::flow).mean), percent(reference),
            percent(mean(&Figures::failed_share)), percent(mean(&Figures::expired_share)),
            number(mean(&Figures::client_429_rate), 3), number(mean(&Figures::upstream_429_rate), 3),
            number(mean(&Figures::attempts), 2), percent(mean(&Figures::utilisation), 0),
            number(mean(&Figures::wait_mean_s), 1), number(mean(&Figures::wait_p99_s), 1),
            number(mean(&Figures::ttft_p99_s), 1));
    }
}

void add_other_rows(const LoadResult& result, std::string& text) {
    auto to = std::back_inserter(text);
    fmt::format_to(to, "{:<20} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10} {:>7} {:>9} {:>8} {:>9}\n", "strategy",
                   "429/try", "wait p50", "ttft p50", "whole p50", "whole p99", "offered", "Jain", "gap",
                   "cached", "cost/1M");
    for (const StrategyResult* one : best_first(result)) {
        const auto mean = [&](double Figures::* field) { return figure(*one, field).mean; };
        fmt::format_to(to, "{:<20} {:>9} {:>8}s {:>8}s {:>8}s {:>9}s {:>10} {:>7} {:>9} {:>8} {:>9}\n",
                       one->strategy->name, percent(mean(&Figures::upstream_429_share)),
                       number(mean(&Figures::wait_p50_s), 1), number(mean(&Figures::ttft_p50_s), 2),
                       number(mean(&Figures::latency_p50_s), 1), number(mean(&Figures::latency_p99_s), 1),
                       number(mean(&Figures::offered), 0), number(mean(&Figures::jain), 3),
                       number(mean(&Figures::vtc_gap), 0), percent(mean(&Figures::cached_share)),
                       number(mean(&Figures::cost), 2));
    }
}

} // namespace

std::string table_of(const LoadResult& result, bool full) {
    std::string text;
    add_title(result, text);
    add_main_rows(result, text);
    if (full) {
        text += '\n';
        add_other_rows(result, text);
    }
    return text;
}

} // namespace headroom::lab
