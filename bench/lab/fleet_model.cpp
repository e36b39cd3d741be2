// Reads a fleet from YAML, strictly: what is not understood is an error, because a silent default would be a
// wrong result.
#include "bench/lab/fleet_model.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <set>
#include <string_view>
#include <utility>

namespace headroom::lab {
namespace {

constexpr double seconds_max = 1e7;
constexpr int backends_max = 64; // as many as a request's set of tried backends has bits

[[noreturn]] void fail(const YAML::Node& node, const std::string& what) {
    throw FleetError(what, static_cast<std::size_t>(node.Mark().line + 1));
}

/// What a message may quote of a file.
std::string quoted(const YAML::Node& node) {
    if (!node.IsScalar()) return node.IsNull() ? "nothing" : "a list or keys";
    std::string text = node.Scalar().substr(0, 40);
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    return "'" + text + "'";
}

void allow(const YAML::Node& map, std::initializer_list<std::string_view> keys) {
    if (!map.IsMap()) fail(map, fmt::format("expected keys and values, found {}", quoted(map)));
    std::set<std::string> seen;
    for (const auto& entry : map) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
        if (std::ranges::find(keys, key) == keys.end())
            fail(entry.first, fmt::format("{} is not known here; expected one of {}", quoted(entry.first),
                                          fmt::join(keys, ", ")));
        if (!seen.insert(key).second) fail(entry.first, fmt::format("'{}' is there twice", key));
    }
}

/// Of a list, or of nothing.
void require_list(const YAML::Node& node, std::string_view what) {
    if (node && !node.IsSequence())
        fail(node, fmt::format("{}: expected a list, found {}", what, quoted(node)));
}

/// A number from `least` to `most`, with K or M as units.
double number_in(const YAML::Node& node, double least, double most) {
    const std::string text = node.IsScalar() ? node.Scalar() : std::string();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double factor = unit.empty() ? 1 : unit == "K" || unit == "k" ? 1e3 : unit == "M" ? 1e6 : 0;
    if (error != std::errc{} || factor == 0 || !(value * factor >= least && value * factor <= most))
        fail(node, fmt::format("expected a number from {} to {}, found {}", least, most, quoted(node)));
    return value * factor;
}

/// A number that must be there.
double needed(const YAML::Node& map, const char* key, double least, double most) {
    const YAML::Node node = map[key];
    if (!node) fail(map, fmt::format("'{}' is missing", key));
    return number_in(node, least, most);
}

void read(const YAML::Node& map, const char* key, double& into, double least, double most) {
    if (const YAML::Node node = map[key]) into = number_in(node, least, most);
}

template <class Integer>
void read_count(const YAML::Node& map, const char* key, Integer& into, double least, double most) {
    if (const YAML::Node node = map[key])
        into = static_cast<Integer>(std::llround(number_in(node, least, most)));
}

Duration seconds(double value) {
    return std::chrono::nanoseconds(std::llround(value * 1e9));
}

void read_seconds(const YAML::Node& map, const char* key, Duration& into, double least, double most) {
    if (const YAML::Node node = map[key]) into = seconds(number_in(node, least, most));
}

void read_switch(const YAML::Node& map, const char* key, bool& into) {
    const YAML::Node node = map[key];
    if (node && !YAML::convert<bool>::decode(node, into))
        fail(node, fmt::format("expected true or false, found {}", quoted(node)));
}

template <class Value>
void read_word(const YAML::Node& map, const char* key, Value& into,
               std::initializer_list<std::pair<std::string_view, Value>> words) {
    const YAML::Node node = map[key];
    if (!node) return;
    for (const auto& [word, value] : words) {
        if (node.IsScalar() && node.Scalar() == word) {
            into = value;
            return;
        }
    }
    std::string known;
    for (const auto& [word, value] : words)
        known += (known.empty() ? "" : ", ") + std::string(word);
    fail(node, fmt::format("expected one of {}, found {}", known, quoted(node)));
}

LimiterModel limiter_in(const YAML::Node& map, LimiterModel limiter) {
    allow(map, {"charge", "window", "slice", "headers", "retry_after", "default_max_tokens", "context",
                "count_refused", "burst", "phase", "output_weight"});
    read_word(map, "charge", limiter.charge,
              {{"prompt+max", ChargeBy::prompt_and_max},
               {"max", ChargeBy::max_only},
               {"billed", ChargeBy::billed},
               {"reserve", ChargeBy::reserve}});
    read_word(map, "window", limiter.window,
              {{"sliding", WindowKind::sliding},
               {"fixed", WindowKind::fixed},
               {"gcra", WindowKind::gcra},
               {"ptu", WindowKind::ptu}});
    read_word(map, "retry_after", limiter.retry_after,
              {{"exact", RetryAfter::exact}, {"seconds", RetryAfter::seconds}, {"none", RetryAfter::none}});
    read_seconds(map, "slice", limiter.slice, 1, 60);
    read_seconds(map, "burst", limiter.burst, 1, 3600);
    read_seconds(map, "phase", limiter.phase, 0, 3600);
    // Provisioned deployments tell their utilisation at most, never tokens that remain.
    limiter.headers = limiter.window != WindowKind::ptu;
    read_switch(map, "headers", limiter.headers);
    read_switch(map, "count_refused", limiter.count_refused);
    read_count(map, "default_max_tokens", limiter.default_max_tokens, 0, 1e6);
    read_count(map, "context", limiter.context, 1, 1e7);
    read(map, "output_weight", limiter.output_weight, 0.01, 100);
    return limiter;
}

std::vector<Interval> intervals_in(const YAML::Node& map, const char* key, bool slow) {
    std::vector<Interval> intervals;
    const YAML::Node list = map[key];
    require_list(list, key);
    for (const YAML::Node& node : list) {
        allow(node, {"from", "to", slow ? "factor" : "hangs"});
        Interval interval;
        interval.from = Time(seconds(needed(node, "from", 0, seconds_max)));
        interval.to = Time(seconds(needed(node, "to", 0, seconds_max)));
        read(node, "factor", interval.factor, 1, 1000);
        read_switch(node, "hangs", interval.hangs);
        if (interval.to <= interval.from) fail(node, "expected 'to' after 'from'");
        intervals.push_back(interval);
    }
    return intervals;
}

void read_faults(const YAML::Node& map, FaultModel& faults) {
    allow(map, {"error_rate", "blackouts", "brownouts"});
    read(map, "error_rate", faults.error_rate, 0, 1);
    faults.blackouts = intervals_in(map, "blackouts", false);
    faults.brownouts = intervals_in(map, "brownouts", true);
}

void read_latency(const YAML::Node& map, LatencyModel& latency) {
    allow(map, {"first_ms", "prompt_token_us", "output_token_ms", "jitter"});
    read(map, "first_ms", latency.first_ms, 0, 1e6);
    read(map, "prompt_token_us", latency.prompt_token_us, 0, 1e6);
    read(map, "output_token_ms", latency.output_token_ms, 0, 1e4);
    read(map, "jitter", latency.jitter, 0, 3);
}

void read_price(const YAML::Node& map, PriceModel& price) {
    allow(map, {"input", "cached", "output", "hour"});
    read(map, "input", price.input, 0, 1e6);
    read(map, "cached", price.cached, 0, 1e6);
    read(map, "output", price.output, 0, 1e6);
    read(map, "hour", price.hour, 0, 1e6);
}

void read_name(const YAML::Node& map, const char* key, std::string& into) {
    constexpr std::size_t most = 90; // of a resource group, the longest of them
    const YAML::Node node = map[key];
    if (!node) return;
    const bool visible = node.IsScalar() && std::ranges::all_of(node.Scalar(), [](unsigned char c) {
                             return c > ' ' && c != 0x7F;
                         });
    if (!visible || node.Scalar().empty() || node.Scalar().size() > most)
        fail(node, fmt::format("{}: expected a word of at most {} bytes, found {}", key, most, quoted(node)));
    into = node.Scalar();
}

void read_azure(const YAML::Node& map, AzureNames& azure) {
    allow(map, {"account", "resource_group", "deployment", "model", "version", "sku", "region"});
    read_name(map, "account", azure.account);
    read_name(map, "resource_group", azure.resource_group);
    read_name(map, "deployment", azure.deployment);
    read_name(map, "model", azure.model);
    read_name(map, "version", azure.version);
    read_name(map, "sku", azure.sku);
    read_name(map, "region", azure.region);
}

BackendModel backend_in(const YAML::Node& map) {
    allow(map, {"name", "copies", "tpm", "rpm", "priority", "weight", "told", "limiter", "changes", "latency",
                "faults", "price", "azure"});
    BackendModel backend;
    read_name(map, "name", backend.name);
    if (backend.name.empty()) fail(map, "a backend needs a name");
    read_count(map, "tpm", backend.limiter.tpm, 1, 1e10);
    read_count(map, "rpm", backend.limiter.rpm, 0, 1e9);
    read_count(map, "priority", backend.priority, 0, 1e6);
    read(map, "weight", backend.weight, 0.001, 1e6);
    backend.told_tpm = backend.limiter.tpm;
    if (map["limiter"]) backend.limiter = limiter_in(map["limiter"], backend.limiter);
    backend.told_rpm = backend.limiter.requests_per_minute();
    if (const YAML::Node told = map["told"]) {
        allow(told, {"tpm", "rpm"});
        read_count(told, "tpm", backend.told_tpm, 0, 1e10);
        read_count(told, "rpm", backend.told_rpm, 0, 1e9);
    }
    require_list(map["changes"], "changes");
    for (const YAML::Node& node : map["changes"]) {
        allow(node, {"at", "factor"});
        LimitChange change{Time(seconds(needed(node, "at", 0, seconds_max))), 1};
        read(node, "factor", change.factor, 0, 100);
        if (!backend.changes.empty() && change.at < backend.changes.back().at)
            fail(node, "changes must be in order");
        backend.changes.push_back(change);
    }
    if (map["latency"]) read_latency(map["latency"], backend.latency);
    if (map["faults"]) read_faults(map["faults"], backend.faults);
    if (map["price"]) read_price(map["price"], backend.price);
    if (map["azure"]) read_azure(map["azure"], backend.azure);
    return backend;
}

std::vector<BackendModel> backends_in(const YAML::Node& root) {
    std::vector<BackendModel> backends;
    std::set<std::string> names;
    require_list(root["backends"], "backends");
    for (const YAML::Node& node : root["backends"]) {
        const BackendModel backend = backend_in(node);
        int copies = 1;
        read_count(node, "copies", copies, 1, backends_max);
        for (int i = 1; i <= copies; ++i) {
            backends.push_back(backend);
            std::string& name = backends.back().name;
            if (copies > 1) name += std::to_string(i);
            if (!names.insert(name).second) fail(node, fmt::format("two backends are called '{}'", name));
        }
    }
    if (backends.empty() || backends.size() > backends_max)
        fail(root, fmt::format("expected 1 to {} backends, found {}", backends_max, backends.size()));
    return backends;
}

FleetModel fleet_in(const YAML::Node& root) {
    if (!root.IsMap()) throw FleetError("expected 'backends:' and a list of them; docs/lab.md has all keys");
    allow(root, {"backends", "client", "replicas", "deadline", "answer_max"});
    FleetModel fleet;
    fleet.backends = backends_in(root);
    if (const YAML::Node client = root["client"]) {
        allow(client, {"retries", "backoff_min", "backoff_max", "wait_max"});
        read_count(client, "retries", fleet.client.retries, 0, 100);
        read_seconds(client, "backoff_min", fleet.client.backoff_min, 0.001, 3600);
        read_seconds(client, "backoff_max", fleet.client.backoff_max, 0.001, 3600);
        read_seconds(client, "wait_max", fleet.client.wait_max, 0, 3600);
    }
    read_count(root, "replicas", fleet.replicas, 1, 100);
    read_seconds(root, "deadline", fleet.deadline, 0, 3600);
    read_seconds(root, "answer_max", fleet.answer_max, 0.001, 3600);
    return fleet;
}

} // namespace

int LimiterModel::requests_per_minute() const noexcept {
    return rpm > 0 ? rpm : static_cast<int>(std::max<std::int64_t>(1, tpm * 6 / 1000));
}

std::int64_t FleetModel::tokens_per_minute() const noexcept {
    std::int64_t sum = 0;
    for (const BackendModel& backend : backends)
        sum += backend.limiter.tpm;
    return sum;
}

FleetModel read_fleet(const std::string& yaml) {
    try {
        return fleet_in(YAML::Load(yaml));
    } catch (const YAML::Exception& error) {
        throw FleetError("no YAML: " + error.msg,
                         static_cast<std::size_t>(std::max(error.mark.line, -1) + 1));
    }
}

} // namespace headroom::lab
