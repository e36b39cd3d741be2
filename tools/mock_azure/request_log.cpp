// Ring of request records.
#include "tools/mock_azure/request_log.hpp"

#include <boost/json.hpp>
#include <simdjson.h>

#include <algorithm>

namespace headroom::mock {

namespace json = boost::json;

namespace {

double milliseconds(MockTime at) {
    return static_cast<double>(at.count()) / 1e6;
}

bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

/// JSON is UTF-8: bytes that are not are shown as Latin-1, which loses nothing.
std::string readable(std::string_view text) {
    if (is_utf8(text)) return std::string(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xc0U | (byte >> 6U));
            out += static_cast<char>(0x80U | (byte & 0x3fU));
        }
    }
    return out;
}

/// The record keeps the first bytes only; a character that was cut there is dropped.
std::string_view without_cut_character(std::string_view text) {
    for (int dropped = 0; dropped < 3 && !text.empty() && !is_utf8(text); ++dropped)
        text.remove_suffix(1);
    return text;
}

json::object record_json(const RequestRecord& record) {
    json::array headers;
    for (const auto& [name, value] : record.headers)
        headers.emplace_back(json::array{name, readable(value)});
    const bool cut = static_cast<std::int64_t>(record.body.size()) < record.body_bytes;
    const std::string_view body = cut ? without_cut_character(record.body) : std::string_view(record.body);
    return {{"seq", record.seq},
            {"at_ms", milliseconds(record.at)},
            {"backend", record.backend},
            {"connection", record.connection},
            {"nth", record.nth},
            {"method", record.method},
            {"target", readable(record.target)},
            {"version", record.version},
            {"headers", std::move(headers)},
            {"body_bytes", record.body_bytes},
            {"body_sha256", record.body_sha256},
            {"body_chunked", record.body_chunked},
            {"body", readable(body)},
            {"body_encoding", is_utf8(body) ? "utf-8" : "latin-1"},
            {"operation", record.operation},
            {"deployment", readable(record.deployment)},
            {"api_key", readable(record.api_key)},
            {"authorization", readable(record.authorization)}};
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
