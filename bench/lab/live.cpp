// What the proxy did is read from its access log, what clients saw from load's JSON: nothing is asked of the
// programs that a user could not see.
#include "bench/lab/live.hpp"

#include "bench/lab/child_program.hpp"
#include "tools/load/trace_plan.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <thread>

namespace headroom::lab {
namespace {

namespace fs = std::filesystem;

/// A folder that goes when its owner does.
class Scratch {
  public:
    Scratch() {
        std::string name = (fs::temp_directory_path() / "headroom-lab-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw ChildError("no temporary folder");
        path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(const char* name, const std::string& text) const {
        const fs::path path = path_ / name;
        std::ofstream(path, std::ios::binary) << text;
        return path.string();
    }

  private:
    fs::path path_;
};

std::string upper(std::string_view name) {
    std::string text(name);
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

void require_simple(const FleetModel& fleet) {
    for (const BackendModel& backend : fleet.backends) {
        if (backend.limiter.window == WindowKind::ptu || !backend.changes.empty() ||
            !backend.faults.blackouts.empty() || !backend.faults.brownouts.empty() ||
            backend.faults.error_rate > 0)
            throw FleetError(fmt::format(
                "live: {} has what mock_azure does not do by itself (ptu, changes, faults)", backend.name));
        const bool leaks = backend.limiter.window == WindowKind::gcra;
        if ((leaks && backend.limiter.burst != std::chrono::seconds(60)) ||
            backend.limiter.slice % std::chrono::seconds(1) != Duration::zero())
            throw FleetError(fmt::format(
                "live: {}: mock_azure saves 60 s in gcra, and its slices are whole seconds", backend.name));
        if (!std::ranges::all_of(backend.name, [](unsigned char c) { return std::isalnum(c) != 0; }))
            throw FleetError(
                fmt::format("live: the name {} must have letters and digits only", backend.name));
    }
    if (fleet.replicas != 1) throw FleetError("live: one replica only");
}

std::string text_in(const simdjson::dom::element& object, std::string_view key) {
    std::string_view value;
    return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

double number_in(const simdjson::dom::element& object, std::string_view key) {
    double value = 0;
    return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

/// Starts the mock; the URLs of its backends by name.
std::map<std::string, std::string> urls_of(ChildProgram& mock) {
    std::map<std::string, std::string> urls;
    simdjson::dom::parser parser;
    while (const auto line = mock.line()) {
        simdjson::dom::element event;
        if (parser.parse(*line).get(event) != simdjson::SUCCESS) continue;
        const std::string kind = text_in(event, "event");
        if (kind == "listening") urls[text_in(event, "backend")] = text_in(event, "url");
        if (kind == "ready") return urls;
    }
    throw ChildError("mock_azure ended before it was ready");
}

std::vector<std::string> variables_of(const FleetModel& fleet, std::map<std::string, std::string>& urls,
                                      double speed) {
    std::vector<std::string> variables = {fmt::format("HEADROOM_TEST_TIME_SCALE={}", speed),
                                          "HEADROOM_LOG_FORMAT=json"};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(fleet.deadline / speed).count();
    variables.push_back(fmt::format("HEADROOM_QUEUE_WAIT={}ms", wait));
    for (const BackendModel& backend : fleet.backends) {
        const std::string prefix = "BACKEND_" + upper(backend.name);
        variables.push_back(prefix + "_URL=" + urls[backend.name]);
        variables.push_back(fmt::format("{}_PRIORITY={}", prefix, backend.priority));
        variables.push_back(prefix + "_APIKEY=k");
        if (backend.told_tpm > 0) variables.push_back(fmt::format("{}_TPM={}", prefix, backend.told_tpm));
        variables.push_back(fmt::format("{}_WEIGHT={}", prefix, backend.weight));
        if (backend.told_rpm > 0) variables.push_back(fmt::format("{}_RPM={}", prefix, backend.told_rpm));
    }
    return variables;
}

std::string url_of(ChildProgram& proxy) {
    constexpr std::string_view before = "listens on ";
    while (const auto line = proxy.line()) {
        const std::size_t at = line->find(before);
        if (at == std::string::npos) continue;
        return line->substr(at + before.size(), line->find(',', at) - at - before.size());
    }
    throw ChildError("headroom ended before it listened");
}

/// Reads the proxy's log until it ends, so that its pipe never fills.
class LogReader {
  public:
    explicit LogReader(ChildProgram& proxy) : proxy_(proxy), thread_([this, &proxy] { read(proxy); }) {}
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;
    ~LogReader() { finish(); }
    /// Stops the proxy, whose log then ends.
    void finish() {
        proxy_.stop();
        if (thread_.joinable()) thread_.join();
    }
    double attempts = 0;
    double refusals = 0;

  private:
    void read(ChildProgram& proxy) {
        simdjson::dom::parser parser;
        while (const auto line = proxy.line()) {
            simdjson::dom::element event;
            if (parser.parse(*line).get(event) != simdjson::SUCCESS || text_in(event, "event") != "request")
                continue;
            attempts += number_in(event, "attempts");
            const std::string failed = text_in(event, "failed");
            for (std::size_t at = failed.find(" 429 "); at != std::string::npos;
                 at = failed.find(" 429 ", at + 1))
                ++refusals;
        }
    }
    ChildProgram& proxy_;
    std::thread thread_;
};

LiveFigures simulated(const FleetModel& fleet, const Workload& workload, std::uint64_t seed) {
    FleetModel same = fleet;
    same.client.retries = 0;
    same.answer_max = std::chrono::hours(1);
    for (BackendModel& backend : same.backends) {
        backend.latency.jitter = 0;
        backend.latency.prompt_token_us = 0;
        backend.latency.whole = true;
    }
    const Outcome outcome = simulate(workload, same, *find_strategy("mirror"), {seed, Duration::zero()});
    const Figures figures = figures_of(outcome, workload, same);
    return {1 - figures.failed_share,  figures.goodput,  figures.client_429_rate,
            figures.upstream_429_rate, figures.attempts, figures.latency_p50_s,
            figures.latency_p99_s};
}

/// What load's report says; `log` has the rest.
LiveResult measured(const std::string& json, const LogReader& log, const Workload& workload, double speed) {
    simdjson::dom::parser parser;
    simdjson::dom::element report;
    simdjson::dom::element trace;
    if (parser.parse(json).get(report) != simdjson::SUCCESS ||
        report["trace"].get(trace) != simdjson::SUCCESS)
        throw ChildError("load did not report a trace");
    const auto quota_seconds = [&](std::string_view histogram, std::string_view quantile) {
        simdjson::dom::element found;
        if (report[histogram].get(found) != simdjson::SUCCESS) return std::nan("");
        return number_in(found, quantile) / 1e6 * speed;
    };
    LiveResult result;
    result.requests = workload.requests.size();
    result.speed = speed;
    const auto requests = static_cast<double>(result.requests);
    const double minutes = std::chrono::duration<double>(workload.span).count() / 60;
    result.live.served = number_in(report, "succeeded") / requests;
    result.live.goodput = number_in(trace, "tokens_answered") / minutes;
    result.live.client_429s = number_in(report, "client_429s") / requests;
    result.live.upstream_429s = log.refusals / requests;
    result.live.attempts = log.attempts / requests;
    result.live.whole_p50_s = quota_seconds("latency_us", "p50");
    result.live.whole_p99_s = quota_seconds("latency_us", "p99");
    result.late_p50_s = quota_seconds("late_us", "p50");
    result.late_p99_s = quota_seconds("late_us", "p99");
    return result;
}

} // namespace

Workload as_load_sends(Workload workload) {
    workload.blocks.clear();
    for (Request& request : workload.requests) {
        load::TraceRow row;
        row.prompt_tokens = request.prompt;
        row.completion_tokens = request.output;
        request.characters = load::prompt_charge(row);
        request.prefix = request.blocks_begin = request.blocks_count = 0;
    }
    return workload;
}

std::string csv_of(const Workload& workload) {
    std::string text = "time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix\n";
    for (const Request& request : workload.requests) {
        const double at = std::chrono::duration<double>(request.at.time_since_epoch()).count();
        const std::string cap = request.cap > 0 ? std::to_string(request.cap) : "";
        text += fmt::format("{:.6f},{},{},{},tenant{},\n", at, request.prompt, request.output, cap,
                            request.tenant);
    }
    return text;
}

std::string mock_backend(const BackendModel& backend) {
    const LimiterModel& limiter = backend.limiter;
    static constexpr const char* windows[] = {"sliding", "fixed", "gcra", "gcra"};
    static constexpr const char* charges[] = {"prompt+max", "max", "billed", "reserve"};
    std::string text = fmt::format(
        "{},tpm={},rpm={},slice={},window={},charge={},default_max={},context={},count_rejected={},ttft={:."
        "0f},token_ms={:.0f}",
        backend.name, limiter.tpm, limiter.requests_per_minute(),
        std::chrono::duration_cast<std::chrono::seconds>(limiter.slice).count(),
        windows[static_cast<int>(limiter.window)], charges[static_cast<int>(limiter.charge)],
        limiter.default_max_tokens, limiter.context, limiter.count_refused, backend.latency.first_ms,
        backend.latency.output_token_ms);
    if (!limiter.headers) text += ",quirks=no-ratelimit";
    if (limiter.retry_after == RetryAfter::none)
        text += limiter.headers ? ",quirks=no-retry-after;no-retry-after-ms"
                                : ";no-retry-after;no-retry-after-ms";
    if (limiter.retry_after == RetryAfter::seconds)
        text += limiter.headers ? ",quirks=no-retry-after-ms" : ";no-retry-after-ms";
    return text;
}

LiveResult run_live(const FleetModel& fleet, const Workload& workload, const LiveOptions& options) {
    require_simple(fleet);
    const Scratch scratch;
    const std::string speed = fmt::format("{}", options.speed);
    std::vector<std::string> flags = {"--time-scale", speed, "--keep-requests", "0"};
    for (const BackendModel& backend : fleet.backends)
        flags.insert(flags.end(), {"--backend", mock_backend(backend)});
    ChildProgram mock(options.programs + "/mock_azure", flags, {}, false);
    auto urls = urls_of(mock);
    ChildProgram proxy(options.programs + "/headroom",
                       {"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"},
                       variables_of(fleet, urls, options.speed), true);
    const std::string url = url_of(proxy) + "/v1/chat/completions";
    LogReader log(proxy);
    ChildProgram load(
        options.programs + "/load",
        {"--trace", scratch.file("trace.csv", csv_of(workload)), "--time-scale", speed, "--max-tokens",
         "given", "--json", "--allow-errors", options.quiet ? "--quiet" : "--threads=1", url},
        {}, false);
    std::string json;
    while (const auto line = load.line())
        json += *line;
    if (const int code = load.wait(); code != 0) throw ChildError(fmt::format("load ended with {}", code));
    log.finish();
    LiveResult result = measured(json, log, workload, options.speed);
    result.simulated = simulated(fleet, workload, options.seed);
    return result;
}

Verdict verdict_on(const LiveResult& result) noexcept {
    constexpr double goodput_apart = 0.03;
    constexpr double refusals_apart = 0.01;
    // Headroom keeps charges a quarter of a second longer than their minute, for the way there.
    constexpr double late_s = 0.25;
    const double goodput = std::abs(result.live.goodput - result.simulated.goodput);
    const double refusals = std::abs(result.live.client_429s - result.simulated.client_429s);
    if (goodput <= goodput_apart * result.simulated.goodput && refusals <= refusals_apart)
        return Verdict::agrees;
    return result.late_p99_s > late_s ? Verdict::late : Verdict::differs;
}

std::string table_of(const LiveResult& result) {
    std::string text =
        fmt::format("{:<12} {:>9} {:>12} {:>13} {:>13} {:>9} {:>10} {:>10}\n", "", "served", "tokens/min",
                    "client 429s", "upstr. 429s", "attempts", "whole p50", "whole p99");
    for (const auto& [name, one] :
         {std::pair("live", &result.live), std::pair("simulated", &result.simulated)}) {
        text += fmt::format("{:<12} {:>8.2f}% {:>12.0f} {:>13.4f} {:>13.4f} {:>9.3f} {:>9.2f}s {:>9.2f}s\n",
                            name, one->served * 100, one->goodput, one->client_429s, one->upstream_429s,
                            one->attempts, one->whole_p50_s, one->whole_p99_s);
    }
    const double goodput = (result.live.goodput / result.simulated.goodput - 1) * 100;
    const double refusals = (result.live.client_429s - result.simulated.client_429s) * 100;
    text += fmt::format(
        "live against simulated: goodput {:+.2f} % (3 allowed), client 429s {:+.2f} points (1 allowed)\n"
        "requests were sent {:.2f} s late (p50), {:.2f} s (p99), by the quota's clock\n",
        goodput, refusals, result.late_p50_s, result.late_p99_s);
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
        R"({{"requests":{},"speed":{:g},"live":{},"simulated":{},"late_p50_s":{:.6g},"late_p99_s":{:.6g},"verdict":"{}"}})"
        "\n",
        result.requests, result.speed, figures(result.live), figures(result.simulated), result.late_p50_s,
        result.late_p99_s, verdicts.at(static_cast<std::size_t>(verdict_on(result))));
}

} // namespace headroom::lab
