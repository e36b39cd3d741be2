// Written by hand, since fmt is enough for what is only numbers, names and lists.
#include "bench/lab/json_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace headroom::lab {
namespace {

constexpr std::size_t samples_max = 240;

std::string number(double value) {
    return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

template <class Values, class Write>
std::string list(const Values& values, Write write) {
    std::string text = "[";
    for (const auto& value : values) {
        if (text.size() > 1) text += ',';
        text += write(value);
    }
    return text + ']';
}

/// Thinned by maxima, so that no peak is lost.
std::string utilisation_json(const std::vector<UtilisationSample>& samples) {
    const std::size_t count = samples.size();
    const std::size_t step = std::max<std::size_t>(1, (count + samples_max - 1) / samples_max);
    std::vector<double> at;
    std::vector<std::vector<double>> used(samples.empty() ? 0 : samples.front().used.size());
    for (std::size_t i = 0; i < count; i += step) {
        at.push_back(std::chrono::duration<double>(samples[i].at.time_since_epoch()).count());
        for (std::size_t b = 0; b < used.size(); ++b) {
            double most = 0;
            for (std::size_t j = i; j < std::min(i + step, count); ++j)
                most = std::max(most, samples[j].used[b]);
            used[b].push_back(std::round(most * 1000) / 1000);
        }
    }
    return fmt::format(R"({{"at":{},"used":{}}})", list(at, number),
                       list(used, [](const std::vector<double>& one) { return list(one, number); }));
}

std::string strategy_json(const LoadResult& load, const StrategyResult& one) {
    std::string text = fmt::format(R"({{"name":{},"figures":{{)", json_text(one.strategy->name));
    for (const FigureField& field : figure_fields()) {
        if (!text.ends_with('{')) text += ',';
        text += fmt::format("{}:{}", json_text(field.name), json_of(figure(one, field.field)));
    }
    std::vector<double> offered;
    offered.reserve(one.by_seed.size());
    for (const Figures& figures : one.by_seed)
        offered.push_back(figures.goodput / figures.offered);
    text += fmt::format(R"(}},"share_of_offered":{})", json_of(estimate_of(offered)));
    const Estimate share = share_of(one, load.bounds, &Bounds::flow);
    if (std::isfinite(share.mean)) text += fmt::format(R"(,"share_of_flow":{})", json_of(share));
    const Estimate fluid = share_of(one, load.bounds, &Bounds::fluid);
    if (std::isfinite(fluid.mean)) text += fmt::format(R"(,"share_of_fluid":{})", json_of(fluid));
    if (const StrategyResult* best = find_result(load, "clairvoyant"))
        text += fmt::format(R"(,"share_of_clairvoyant":{})", json_of(ratio(one, *best)));
    if (const StrategyResult* ours = find_result(load, "mirror"))
        text += fmt::format(R"(,"goodput_against_mirror":{})",
                            json_of(difference(one, *ours, &Figures::goodput)));
    return text + fmt::format(R"(,"waits":{},"utilisation":{}}})", list(one.waits, number),
                              utilisation_json(one.utilisation));
}

std::string load_json(const LoadResult& load) {
    std::vector<double> fluid;
    std::vector<double> flow;
    for (const Bounds& bounds : load.bounds)
        fluid.push_back(bounds.fluid), flow.push_back(bounds.flow);
    return fmt::format(
        R"({{"load":{},"requests":{},"span_s":{},"bounds":{{"fluid":{},"flow":{}}},"strategies":{}}})",
        number(load.load), load.workload.requests.size(),
        number(std::chrono::duration<double>(load.workload.span).count()), json_of(estimate_of(fluid)),
        json_of(estimate_of(flow)),
        list(load.strategies, [&](const StrategyResult& one) { return strategy_json(load, one); }));
}

} // namespace

std::string json_of(const Estimate& estimate) {
    return fmt::format(R"({{"mean":{},"half_width":{}}})", number(estimate.mean),
                       number(estimate.half_width));
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '<') {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string json_of(const ReportTitle& title, const FleetModel& fleet,
                    const std::vector<LoadResult>& results) {
    std::vector<StrategyResult> none;
    const auto& first = results.empty() ? none : results.front().strategies;
    std::string text = fmt::format(
        R"({{"fleet":{},"trace":{},"seed":{},"seeds":{},"replicas":{},"tokens_per_minute":{},"backends":{})",
        json_text(title.fleet), json_text(title.trace), title.seed, title.seeds, fleet.replicas,
        fleet.tokens_per_minute(),
        list(fleet.backends, [](const BackendModel& backend) { return json_text(backend.name); }));
    text += R"(,"strategies":)" + list(first, [](const StrategyResult& one) {
                return fmt::format(R"({{"name":{},"summary":{},"oracle":{}}})", json_text(one.strategy->name),
                                   json_text(one.strategy->summary), one.strategy->oracle);
            });
    text += R"(,"figures":)" + list(figure_fields(), [](const FigureField& field) {
                return fmt::format(R"({{"name":{},"title":{},"unit":{},"more_is_better":{}}})",
                                   json_text(field.name), json_text(field.title), json_text(field.unit),
                                   field.more_is_better);
            });
    return text + R"(,"loads":)" + list(results, load_json) + "}\n";
}

} // namespace headroom::lab
