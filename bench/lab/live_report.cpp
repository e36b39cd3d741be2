// What a live run showed, and whether that is what was simulated.
#include "bench/lab/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace headroom::lab {

namespace {

/// How far the measurement lies outside of what was simulated; 0: within.
double beyond(const LiveResult& result, double LiveFigures::* field) noexcept {
    const double live = result.live.*field;
    return live - std::clamp(live, result.simulated_least.*field, result.simulated_most.*field);
}

} // namespace

Verdict verdict_on(const LiveResult& result) noexcept {
    constexpr double goodput_apart = 0.03;
    constexpr double refusals_apart = 0.01;
    // Headroom keeps charges a quarter of a second longer than their minute, for the way there.
    constexpr double late_s = 0.25;
    const double goodput = beyond(result, &LiveFigures::goodput);
    const double refusals = beyond(result, &LiveFigures::client_429s);
    if (std::abs(goodput) <= goodput_apart * result.simulated.goodput && std::abs(refusals) <= refusals_apart)
        return Verdict::agrees;
    return result.late_p99_s > late_s ? Verdict::late : Verdict::differs;
}

std::string table_of(const LiveResult& result) {
    std::string text =
        fmt::format("{:<12} {:>9} {:>12} {:>13} {:>13} {:>9} {:>10} {:>10}\n", "", "served", "tokens/min",
                    "client 429s", "upstr. 429s", "attempts", "whole p50", "whole p99");
    for (const auto& [name, one] :
         {std::pair("live", &result.live), std::pair("simulated", &result.simulated),
          std::pair("  least", &result.simulated_least), std::pair("  most", &result.simulated_most)}) {
        text += fmt::format("{:<12} {:>8.2f}% {:>12.0f} {:>13.4f} {:>13.4f} {:>9.3f} {:>9.2f}s {:>9.2f}s\n",
                            name, one->served * 100, one->goodput, one->client_429s, one->upstream_429s,
                            one->attempts, one->whole_p50_s, one->whole_p99_s);
    }
    text += fmt::format(
        "beyond what was simulated: goodput {:+.2f} % (3 allowed), client 429s {:+.2f} points (1 allowed)\n"
        "requests were sent {:.2f} s late (p50), {:.2f} s (p99), by the quota's clock\n",
        beyond(result, &LiveFigures::goodput) / result.simulated.goodput * 100,
        beyond(result, &LiveFigures::client_429s) * 100, result.late_p50_s, result.late_p99_s);
    constexpr double much = 0.1;
    const double apart =
        (result.simulated_most.goodput - result.simulated_least.goodput) / result.simulated.goodput;
    if (apart > much)
        text += fmt::format("chance alone moves the simulated goodput by {:.0f} %, so this run says little\n",
                            apart * 100);
    switch (verdict_on(result)) {
        case Verdict::agrees: return text + "agrees\n";
        case Verdict::differs: return text + "differs\n";
        case Verdict::late: break;
    }
    return text + fmt::format("undecided: the machine was late; try --speed {:g}\n",
                              std::max(1.0, result.speed / 2));
}

std::string json_of(const LiveResult& result) {
    constexpr std::array<std::string_view, 3> verdicts = {"agrees", "differs", "late"};
    const auto figures = [](const LiveFigures& one) {
        return fmt::format(
            R"({{"served":{:.6g},"goodput":{:.6g},"client_429_rate":{:.6g},"upstream_429_rate":{:.6g},)"
            R"("attempts":{:.6g},"whole_p50_s":{:.6g},"whole_p99_s":{:.6g}}})",
            one.served, one.goodput, one.client_429s, one.upstream_429s, one.attempts, one.whole_p50_s,
            one.whole_p99_s);
    };
    return fmt::format(
        R"({{"requests":{},"speed":{:g},"live":{},"simulated":{},"simulated_least":{},"simulated_most":{},"late_p50_s":{:.6g},"late_p99_s":{:.6g},"verdict":"{}"}})"
        "\n",
        result.requests, result.speed, figures(result.live), figures(result.simulated),
        figures(result.simulated_least), figures(result.simulated_most), result.late_p50_s, result.late_p99_s,
        verdicts.at(static_cast<std::size_t>(verdict_on(result))));
}

} // namespace headroom::lab
