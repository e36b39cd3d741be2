// Reading and rolling faults.
#include "tools/mock_azure/faults.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace headroom::mock {

namespace json = boost::json;

namespace {

std::string known_kinds() {
    std::string all = "a status such as 503";
    for (const FaultName& one : fault_names())
        all += fmt::format(", {}", one.name);
    return all;
}

std::string read_kind(const json::value& value, Fault* fault) {
    if (value.is_int64()) {
        fault->status = static_cast<int>(value.get_int64());
    } else if (value.is_string()) {
        const std::string_view name(value.get_string().data(), value.get_string().size());
        const auto& names = fault_names();
        const auto found = std::find_if(names.begin(), names.end(),
                                        [name](const FaultName& one) { return one.name == name; });
        if (found != names.end()) {
            fault->kind = found->kind;
            return {};
        }
        fault->status = std::atoi(std::string(name).c_str());
    }
    if (fault->status < 200 || fault->status > 599) return "kind: expected one of " + known_kinds();
    fault->kind = FaultKind::status;
    return {};
}

std::string read_integer(std::string_view key, const json::value& value, Fault* fault) {
    boost::system::error_code error;
    const auto number = value.is_number() ? value.to_number<std::int64_t>(error) : std::int64_t{-2};
    if (error || number < -1) return fmt::format("{}: expected a number", key);
    if (key == "count") fault->count = number;
    if (key == "after") fault->after = number;
    if (key == "status") fault->status = static_cast<int>(std::clamp<std::int64_t>(number, 100, 999));
    if (key == "n" || key == "bytes" || key == "chunks") fault->n = number;
    if (key == "ms") fault->ms = number;
    if (key == "retry_after_ms") fault->retry_after_ms = number;
    return {};
}

std::string read_member(std::string_view key, const json::value& value, FaultOrError* result) {
    Fault& fault = result->fault;
    if (key == "kind") return read_kind(value, &fault);
    if (key == "probability") {
        boost::system::error_code error;
        fault.probability = value.is_number() ? value.to_number<double>(error) : -1.0;
        if (error || fault.probability < 0 || fault.probability > 1)
            return "probability: expected a number from 0 to 1";
        return {};
    }
    constexpr std::string_view integers[] = {"count", "after",  "status", "n",
                                             "bytes", "chunks", "ms",     "retry_after_ms"};
    if (std::find(std::begin(integers), std::end(integers), key) != std::end(integers))
        return read_integer(key, value, &fault);
    std::string* text = key == "backend"      ? &result->backend
                        : key == "deployment" ? &fault.deployment
                        : key == "path"       ? &fault.path
                        : key == "body"       ? &fault.body
                                              : nullptr;
    if (!text) {
        return fmt::format(
            "unknown member '{}': expected backend, kind, deployment, path, count, after, probability, "
            "status, n "
            "(or bytes, chunks), ms, retry_after_ms, body",
            key);
    }
    if (!value.is_string()) return fmt::format("{}: expected a string", key);
    text->assign(value.get_string().data(), value.get_string().size());
    return {};
}

} // namespace

const std::vector<FaultName>& fault_names() {
    static const std::vector<FaultName> names = {
        {FaultKind::status, "status", "answer \"status\" (default 500) with \"body\", or Azure's words"},
        {FaultKind::high_demand, "high_demand", "429 of a full pool, no quota headers"},
        {FaultKind::slow, "slow", "\"ms\" more before the first byte"},
        {FaultKind::slow_tokens, "slow_tokens", "\"ms\" more per token"},
        {FaultKind::hang, "hang", "read the request, never answer"},
        {FaultKind::hang_stream, "hang_stream", "stop after \"n\" events, stay connected"},
        {FaultKind::reset, "reset", "TCP reset after reading the request"},
        {FaultKind::reset_unread, "reset_unread", "TCP reset after the head, body unread"},
        {FaultKind::reset_bytes, "reset_bytes", "TCP reset after \"n\" bytes of the answer"},
        {FaultKind::reset_stream, "reset_stream", "TCP reset after \"n\" events"},
        {FaultKind::close, "close", "close after reading the request, no answer"},
        {FaultKind::close_stream, "close_stream", "close after \"n\" events without the last chunk"},
        {FaultKind::stale, "stale", "reset when a connection is used again"},
        {FaultKind::length_long, "length_long", "content-length \"n\" too long, then close"},
        {FaultKind::length_short, "length_short", "content-length \"n\" too short"},
        {FaultKind::bad_chunk, "bad_chunk", "an unreadable chunk size after \"n\" events"},
        {FaultKind::bad_status, "bad_status", "an unreadable status line"},
        {FaultKind::both_framings, "both_framings", "content-length and transfer-encoding together"},
        {FaultKind::sse_error, "sse_error", "200, then an error event after \"n\" events"},
        {FaultKind::no_done, "no_done", "a stream that ends without its last event"},
        {FaultKind::early, "early", "answer \"status\" before reading the body, then close"},
        {FaultKind::connection_close, "connection_close", "a good answer with connection: close"},
        {FaultKind::idle_close, "idle_close", "a good answer, then close after \"ms\" without saying so"},
        {FaultKind::info_flood, "info_flood", "\"n\" times 103 before the answer"},
        {FaultKind::huge_head, "huge_head", "\"n\" bytes of header fields"},
        {FaultKind::trickle, "trickle", "the answer in pieces of \"n\" bytes, \"ms\" apart"},
        {FaultKind::empty, "empty", "200 with an empty body"},
        {FaultKind::refuse, "refuse",
         "stop listening for \"ms\" (0: until cleared); \"n\":1 resets open connections, too"},
        {FaultKind::hang_accept, "hang_accept", "accept, then neither read nor answer"},
        {FaultKind::reset_accept, "reset_accept", "reset as soon as accepted"},
    };
    return names;
}

std::string_view to_string(FaultKind kind) {
    return fault_names()[static_cast<std::size_t>(kind)].name;
}

FaultStage stage_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::hang_accept:
        case FaultKind::reset_accept: return FaultStage::connection;
        case FaultKind::reset_unread:
        case FaultKind::early:
        case FaultKind::stale: return FaultStage::head;
        default: return FaultStage::request;
    }
}

FaultOrError read_fault(std::string_view json_text) {
    FaultOrError result;
    boost::system::error_code error;
    const json::value document = json::parse(json_text, error);
    if (error || !document.is_object()) {
        result.error = R"(expected a JSON object such as {"backend":"openai1","kind":"429","count":3})";
        return result;
    }
    if (!document.get_object().contains("kind"))
        result.error = "kind is missing: expected one of " + known_kinds();
    for (const auto& [key, value] : document.get_object()) {
        if (!result.error.empty()) break;
        result.error = read_member({key.data(), key.size()}, value, &result);
    }
    return result;
}

std::uint64_t FaultPlan::add(Fault fault) {
    fault.id = next_id_++;
    faults_.push_back(std::move(fault));
    return faults_.back().id;
}

bool FaultPlan::turn_of(Fault* fault) {
    if (fault->count == 0) return false;
    if (fault->after > 0) {
        --fault->after;
        return false;
    }
    if (fault->probability < 1.0 && random_.unit() >= fault->probability) return false;
    if (fault->count > 0) --fault->count;
    ++fault->struck;
    return true;
}

std::optional<Fault> FaultPlan::strike(const Moment& moment) {
    for (Fault& fault : faults_) {
        const bool matches = stage_of(fault.kind) == moment.stage &&
                             (fault.deployment.empty() || fault.deployment == moment.deployment) &&
                             moment.target.find(fault.path) != std::string_view::npos &&
                             (fault.kind != FaultKind::stale || moment.reused_connection);
        if (matches && turn_of(&fault)) return fault;
    }
    return std::nullopt;
}

} // namespace headroom::mock
