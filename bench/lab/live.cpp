// What the proxy did is read from its access log, what clients saw from load's JSON: nothing is asked of the
// programs that a user could not see.
#include "bench/lab/live.hpp"

#include "bench/lab/child_program.hpp"
#include "bench/lab/live_timeline.hpp"
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
        if (backend.limiter.window == WindowKind::ptu)
            throw FleetError(fmt::format("live: {}: mock_azure has no provisioned throughput (window: ptu)",
                                         backend.name));
        const bool leaks = backend.limiter.window == WindowKind::gcra;
        if ((leaks && backend.limiter.burst != std::chrono::seconds(60)) ||
            backend.limiter.slice % std::chrono::seconds(1) != Duration::zero())
            throw FleetError(fmt::format(
                "live: {}: mock_azure saves 60 s in gcra, and its slices are whole seconds", backend.name));
        if (!std::ranges::all_of(backend.name, [](unsigned char c) { return std::isalnum(c) != 0; }))
            throw FleetError(
                fmt::format("live: the name {} must have letters and digits only", backend.name));
    }
}

std::string text_in(const simdjson::dom::element& object, std::string_view key) {
    std::string_view value;
    return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

double number_in(const simdjson::dom::element& object, std::string_view key) {
    double value = 0;
    return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

/// Where the mock listens.
struct MockUrls {
    std::map<std::string, std::string> backends; ///< By name.
    std::string admin;
};

MockUrls urls_of(ChildProgram& mock) {
    MockUrls urls;
    simdjson::dom::parser parser;
    while (const auto line = mock.line()) {
        simdjson::dom::element event;
        if (parser.parse(*line).get(event) != simdjson::SUCCESS) continue;
        const std::string kind = text_in(event, "event");
        if (kind == "listening") urls.backends[text_in(event, "backend")] = text_in(event, "url");
        if (kind == "admin") urls.admin = text_in(event, "url");
        if (kind == "ready") return urls;
    }
    throw ChildError("mock_azure ended before it was ready");
}

/// By then an answer is there, if it ever comes: it comes in one piece.
Duration answer_max(const FleetModel& fleet, const Workload& workload) {
    double longest_ms = 0;
    for (const BackendModel& backend : fleet.backends) {
        double slow = 1;
        for (const Interval& brownout : backend.faults.brownouts)
            slow = std::max(slow, brownout.factor);
        for (const Request& request : workload.requests) {
            const double tokens = static_cast<double>(request.output) * backend.latency.output_token_ms;
            longest_ms = std::max(longest_ms, (backend.latency.first_ms + tokens) * slow);
        }
    }
    const auto longest = std::chrono::milliseconds(std::llround(longest_ms * 1.2));
    return std::max<Duration>(fleet.answer_max, longest);
}

std::vector<std::string> variables_of(const FleetModel& fleet, std::map<std::string, std::string>& urls,
                                      double speed) {
    std::vector<std::string> variables = {fmt::format("HEADROOM_TEST_TIME_SCALE={}", speed),
                                          "HEADROOM_LOG_FORMAT=json"};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(fleet.deadline / speed).count();
    variables.push_back(fmt::format("HEADROOM_QUEUE_WAIT={}ms", wait));
    const auto head = std::chrono::ceil<std::chrono::milliseconds>(fleet.answer_max / speed).count();
    variables.push_back(fmt::format("HEADROOM_TIMEOUTS_FIRST_BYTE={}ms", head));
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

void add_simulated(const FleetModel& fleet, const Workload& workload, const LiveOptions& options,
                   LiveResult& result) {
    FleetModel same = fleet;
    same.client.retries = 0;
    for (BackendModel& backend : same.backends) {
        backend.latency.jitter = 0;
        backend.latency.prompt_token_us = 0;
        backend.latency.whole = true;
        // The wire has whole seconds of real time.
        backend.limiter.retry_unit = std::chrono::nanoseconds(std::llround(options.speed * 1e9));
    }
    constexpr std::array<double LiveFigures::*, 7> fields = {
        &LiveFigures::served,        &LiveFigures::goodput,  &LiveFigures::client_429s,
        &LiveFigures::upstream_429s, &LiveFigures::attempts, &LiveFigures::whole_p50_s,
        &LiveFigures::whole_p99_s};
    constexpr std::uint64_t draws = 9;
    for (std::uint64_t draw = 0; draw < draws; ++draw) {
        const Outcome outcome =
            simulate(workload, same, *find_strategy("mirror"), {options.seed + draw, Duration::zero()});
        const Figures figures = figures_of(outcome, workload, same);
        const LiveFigures one = {1 - figures.failed_share,  figures.goodput,  figures.client_429_rate,
                                 figures.upstream_429_rate, figures.attempts, figures.latency_p50_s,
                                 figures.latency_p99_s};
        for (double LiveFigures::* const field : fields) {
            result.simulated.*field += one.*field / draws;
            double& least = result.simulated_least.*field;
            double& most = result.simulated_most.*field;
            least = draw == 0 ? one.*field : std::min(least, one.*field);
            most = draw == 0 ? one.*field : std::max(most, one.*field);
        }
    }
}

/// A proxy and the load upon it.
class Replica {
  public:
    Replica(const FleetModel& fleet, MockUrls& urls, const LiveOptions& options)
        : options_(options),
          proxy_(options.programs + "/headroom",
                 {"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"},
                 variables_of(fleet, urls.backends, options.speed), true),
          url_(url_of(proxy_) + "/v1/chat/completions"),
          log_(proxy_) {}

    void begin(const std::string& trace, unsigned part, unsigned parts) {
        std::vector<std::string> flags = {"--trace",      trace,
                                          "--time-scale", fmt::format("{}", options_.speed),
                                          "--trace-part", fmt::format("{}/{}", part, parts),
                                          "--max-tokens", "given",
                                          "--json",       "--allow-errors"};
        if (options_.quiet) flags.emplace_back("--quiet");
        flags.push_back(url_);
        load_ = std::make_unique<ChildProgram>(options_.programs + "/load", flags, std::vector<std::string>{},
                                               false);
    }

    /// Waits for its end and adds what it came to.
    void add_to(LiveResult& result, double& tokens) {
        std::string json;
        while (const auto line = load_->line())
            json += *line;
        if (const int code = load_->wait(); code != 0)
            throw ChildError(fmt::format("load ended with {}", code));
        log_.finish();
        simdjson::dom::parser parser;
        simdjson::dom::element report;
        simdjson::dom::element trace;
        if (parser.parse(json).get(report) != simdjson::SUCCESS ||
            report["trace"].get(trace) != simdjson::SUCCESS)
            throw ChildError("load did not report a trace");
        const auto requests = static_cast<double>(result.requests);
        tokens += number_in(trace, "tokens_answered");
        result.live.served += number_in(report, "succeeded") / requests;
        result.live.client_429s += number_in(report, "client_429s") / requests;
        result.live.upstream_429s += log_.refusals / requests;
        result.live.attempts += log_.attempts / requests;
        raise(result.live.whole_p50_s, report, "latency_us", "p50");
        raise(result.live.whole_p99_s, report, "latency_us", "p99");
        raise(result.late_p50_s, report, "late_us", "p50");
        raise(result.late_p99_s, report, "late_us", "p99");
    }

  private:
    void raise(double& figure, const simdjson::dom::element& report, std::string_view histogram,
               std::string_view quantile) const {
        simdjson::dom::element found;
        if (report[histogram].get(found) != simdjson::SUCCESS || !found.is_object()) return;
        figure = std::max(figure, number_in(found, quantile) / 1e6 * options_.speed);
    }

    const LiveOptions& options_;
    ChildProgram proxy_;
    std::string url_;
    LogReader log_;
    std::unique_ptr<ChildProgram> load_;
};

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

LiveResult run_live(const FleetModel& wanted, const Workload& workload, const LiveOptions& options) {
    require_simple(wanted);
    FleetModel fleet = wanted;
    fleet.answer_max = answer_max(fleet, workload);
    const Scratch scratch;
    std::vector<std::string> flags = {"--time-scale", fmt::format("{}", options.speed), "--keep-requests",
                                      "0"};
    for (const BackendModel& backend : fleet.backends)
        flags.insert(flags.end(), {"--backend", mock_backend(backend)});
    ChildProgram mock(options.programs + "/mock_azure", flags, {}, false);
    MockUrls urls = urls_of(mock);
    std::vector<std::unique_ptr<Replica>> replicas;
    replicas.reserve(fleet.replicas);
    for (unsigned i = 0; i < fleet.replicas; ++i)
        replicas.push_back(std::make_unique<Replica>(fleet, urls, options));
    const std::string trace = scratch.file("trace.csv", csv_of(workload));
    LiveTimeline timeline(urls.admin, mock_orders(fleet), options.speed);
    for (unsigned i = 0; i < fleet.replicas; ++i)
        replicas[i]->begin(trace, i + 1, fleet.replicas);
    LiveResult result;
    result.requests = workload.requests.size();
    result.speed = options.speed;
    double tokens = 0;
    for (const auto& replica : replicas)
        replica->add_to(result, tokens);
    timeline.check();
    result.live.goodput = tokens / (std::chrono::duration<double>(workload.span).count() / 60);
    add_simulated(fleet, workload, options, result);
    return result;
}

} // namespace headroom::lab
