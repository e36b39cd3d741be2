// The admin routes.
#include "tools/mock_azure/admin_api.hpp"

#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/options.hpp"
#include "tools/mock_azure/route.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>

namespace headroom::mock {

namespace json = boost::json;

namespace {

AdminReply mistake(std::string_view what) {
    return {400, fmt::format(R"({{"error":{}}})", json_quoted(what))};
}

AdminReply fault_kinds() {
    std::string all = R"({"503":"a status such as 503 is the fault \"status\" with that number")";
    for (const FaultName& one : fault_names())
        all += fmt::format(",{}:{}", json_quoted(one.name), json_quoted(one.what));
    return {200, all + "}"};
}

std::string config_json(const BackendOptions& options, const std::string& url) {
    json::array deployments;
    for (const DeploymentOptions& one : options.deployments) {
        json::object deployment{{"name", one.name}, {"model", one.model}};
        if (one.tpm) deployment["tpm"] = *one.tpm;
        if (one.rpm) deployment["rpm"] = *one.rpm;
        deployments.emplace_back(std::move(deployment));
    }
    return json::serialize(json::object{{"url", url},
                                        {"tpm", options.limits.tpm},
                                        {"rpm", options.limits.rpm},
                                        {"slice", options.limits.slice.count()},
                                        {"charge", to_string(options.limits.charge)},
                                        {"window", to_string(options.limits.window)},
                                        {"ttft", options.ttft_ms},
                                        {"token_ms", options.token_ms},
                                        {"output", options.output_tokens},
                                        {"seed", options.seed},
                                        {"deployments", std::move(deployments)}});
}

} // namespace

AdminReply AdminApi::handle(std::string_view method, std::string_view target, const std::string& body) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (method == "GET" && path == "/healthz") return {200, R"({"status":"ok"})"};
    if (method == "GET" && path == "/stats") return stats();
    if (method == "GET" && path == "/requests") return requests(target);
    if (method == "GET" && path == "/faults") return faults();
    if (method == "GET" && path == "/faults/kinds") return fault_kinds();
    if (method == "POST" && path == "/faults") return add_faults(body);
    if (method == "DELETE" && path == "/faults") return clear_faults(target);
    if (method == "GET" && path == "/config") return config();
    if (method == "POST" && path == "/config") return change_config(body);
    if (method == "POST" && path == "/reset") return reset(target);
    return {404, R"({"error":"expected GET /stats, /requests, /faults, /faults/kinds, /config, /healthz; )"
                 R"(POST /faults, /config, /reset; DELETE /faults"})"};
}

std::vector<AdminApi::Unit> AdminApi::find(std::string_view name) const {
    std::vector<Unit> found;
    for (const Unit& unit : units_) {
        if (name.empty() || unit.backend->name() == name) found.push_back(unit);
    }
    return found;
}

AdminReply AdminApi::no_such_backend(std::string_view name) const {
    std::string known;
    for (const Unit& unit : units_)
        known += (known.empty() ? "" : ", ") + unit.backend->name();
    return {404, fmt::format(R"({{"error":{}}})",
                             json_quoted(fmt::format("no backend '{}'; there are: {}", name, known)))};
}

AdminReply AdminApi::stats() const {
    std::string all;
    for (const Unit& unit : units_) {
        all += fmt::format("{}{}:{}", all.empty() ? "" : ",", json_quoted(unit.backend->name()),
                           unit.backend->stats_json());
    }
    return {200, fmt::format(R"({{"now_ms":{:.3f},"time_scale":{},"backends":{{{}}}}})",
                             static_cast<double>(clock_->now().count()) / 1e6, clock_->scale(), all)};
}

AdminReply AdminApi::requests(std::string_view target) const {
    std::size_t count = 100;
    if (const std::string wished = query_value(target, "n"); !wished.empty()) {
        const auto [end, error] = std::from_chars(wished.data(), wished.data() + wished.size(), count);
        if (error != std::errc{} || end != wished.data() + wished.size())
            return mistake("n: expected a number");
    }
    return {200, log_->to_json(count, query_value(target, "backend"))};
}

AdminReply AdminApi::faults() const {
    json::array all;
    for (const Unit& unit : units_) {
        for (json::value& fault : json::parse(unit.backend->faults_json()).as_array())
            all.push_back(std::move(fault));
    }
    return {200, json::serialize(json::object{{"faults", std::move(all)}})};
}

AdminReply AdminApi::add_faults(const std::string& body) {
    boost::system::error_code error;
    const json::value document = json::parse(body, error);
    json::array wanted;
    if (!error && document.is_array()) {
        wanted = document.get_array();
    } else {
        wanted.push_back(document);
    }
    std::vector<FaultOrError> read;
    for (const json::value& one : wanted) {
        read.push_back(read_fault(error ? body : json::serialize(one)));
        if (!read.back().error.empty()) return mistake(read.back().error);
        if (find(read.back().backend).empty()) return no_such_backend(read.back().backend);
    }
    json::array ids;
    for (const FaultOrError& one : read) {
        for (const Unit& unit : find(one.backend)) {
            if (one.fault.kind == FaultKind::refuse) {
                unit.listener->refuse(std::chrono::milliseconds(one.fault.ms), one.fault.n == 1);
            } else {
                ids.emplace_back(unit.backend->add_fault(one.fault));
            }
        }
    }
    return {200, json::serialize(json::object{{"ids", std::move(ids)}})};
}

AdminReply AdminApi::clear_faults(std::string_view target) {
    const std::string name = query_value(target, "backend");
    const auto units = find(name);
    if (units.empty()) return no_such_backend(name);
    for (const Unit& unit : units) {
        unit.backend->clear_faults();
        unit.listener->reopen();
    }
    return {200, R"({"ok":true})"};
}

AdminReply AdminApi::config() const {
    std::string all;
    for (const Unit& unit : units_) {
        all += fmt::format("{}{}:{}", all.empty() ? "" : ",", json_quoted(unit.backend->name()),
                           config_json(*unit.backend->options(), unit.listener->url()));
    }
    return {200, fmt::format(R"({{"time_scale":{},"backends":{{{}}}}})", clock_->scale(), all)};
}

AdminReply AdminApi::change_config(const std::string& body) {
    boost::system::error_code error;
    const json::value document = json::parse(body, error);
    if (error || !document.is_object())
        return mistake(R"(expected a JSON object such as {"backend":"openai1","tpm":60000})");
    const json::object& change = document.get_object();
    if (change.contains("port") || change.contains("tls"))
        return mistake("port and tls cannot be changed while running");
    const json::value* name = change.if_contains("backend");
    const std::string backend =
        name && name->is_string() ? std::string(name->get_string().c_str()) : std::string();
    const auto units = find(backend);
    if (units.empty()) return no_such_backend(backend);
    for (const Unit& unit : units) {
        BackendOptions options = *unit.backend->options();
        if (auto problem = apply_json(&options, body)) return mistake(*problem);
        unit.backend->set_options(options);
    }
    return {200, R"({"ok":true})"};
}

AdminReply AdminApi::reset(std::string_view target) {
    const std::string name = query_value(target, "backend");
    const auto units = find(name);
    if (units.empty()) return no_such_backend(name);
    for (const Unit& unit : units) {
        unit.backend->reset();
        unit.listener->reopen();
    }
    if (name.empty()) log_->clear();
    return {200, R"({"ok":true})"};
}

} // namespace headroom::mock
