// Ring of request records.
#include "tools/mock_azure/request_log.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace headroom::mock {

namespace json = boost::json;

namespace {

double milliseconds(MockTime at) {
    return static_cast<double>(at.count()) / 1e6;
}

json::object record_json(const RequestRecord& record) {
    json::array headers;
    for (const auto& [name, value] : record.headers)
        headers.emplace_back(json::array{name, value});
    return {{"seq", record.seq},
            {"at_ms", milliseconds(record.at)},
            {"backend", record.backend},
            {"connection", record.connection},
            {"nth", record.nth},
            {"method", record.method},
            {"target", record.target},
            {"version", record.version},
            {"headers", std::move(headers)},
            {"body_bytes", record.body_bytes},
            {"body_sha256", record.body_sha256},
            {"body_chunked", record.body_chunked},
            {"body", record.body},
            {"operation", record.operation},
            {"deployment", record.deployment},
            {"api_key", record.api_key},
            {"authorization", record.authorization}};
}

void add_outcome(json::object* out, const RequestOutcome& outcome) {
    (*out)["status"] = outcome.status;
    (*out)["fault"] = outcome.fault;
    (*out)["aborted"] = outcome.aborted;
    (*out)["end_seq"] = outcome.end_seq;
    (*out)["ended_ms"] = milliseconds(outcome.ended);
    (*out)["events_sent"] = outcome.events_sent;
    (*out)["bytes_sent"] = outcome.bytes_sent;
    (*out)["tokens_charged"] = outcome.tokens_charged;
    (*out)["tokens_billed"] = outcome.tokens_billed;
}

} // namespace

std::uint64_t RequestLog::next_seq() {
    const std::lock_guard lock(mutex_);
    return ++seq_;
}

void RequestLog::begin(RequestRecord record) {
    if (!enabled()) return;
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= records_max_) entries_.pop_front();
    entries_.push_back({std::move(record), {}, false});
}

std::uint64_t RequestLog::end(std::uint64_t seq, const RequestOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t end_seq = ++seq_;
    const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                    [seq](const Entry& entry) { return entry.record.seq == seq; });
    if (found == entries_.rend()) return end_seq;
    found->outcome = outcome;
    found->outcome.end_seq = end_seq;
    found->done = true;
    return end_seq;
}

void RequestLog::clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
}

std::string RequestLog::to_json(std::size_t count, std::string_view backend) const {
    const std::lock_guard lock(mutex_);
    std::vector<const Entry*> chosen;
    for (auto entry = entries_.rbegin(); entry != entries_.rend() && chosen.size() < count; ++entry) {
        if (backend.empty() || entry->record.backend == backend) chosen.push_back(&*entry);
    }
    json::array all;
    for (auto entry = chosen.rbegin(); entry != chosen.rend(); ++entry) {
        json::object one = record_json((*entry)->record);
        one["done"] = (*entry)->done;
        if ((*entry)->done) add_outcome(&one, (*entry)->outcome);
        all.emplace_back(std::move(one));
    }
    return json::serialize(json::object{{"requests", std::move(all)}});
}

} // namespace headroom::mock
