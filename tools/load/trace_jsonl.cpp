// The format of Mooncake's traces: one JSON object per line, its prompt as identities of blocks.
#include "tools/load/trace_lines.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>

namespace headroom::load {
namespace {

using simdjson::dom::element;

std::int64_t tokens_of(const element& object, std::string_view key, std::size_t line) {
    std::int64_t value = -1;
    if (object[key].get(value) != simdjson::SUCCESS || value < 0 || value > trace_tokens_max) {
        throw TraceError{line, fmt::format("{}: expected a number from 0 to {}", key, trace_tokens_max)};
    }
    return value;
}

std::chrono::nanoseconds time_of(const element& object, std::size_t line) {
    double ms = -1;
    if (object["timestamp"].get(ms) != simdjson::SUCCESS || !(ms >= 0 && ms <= 1e12))
        throw TraceError{line, "timestamp: expected milliseconds from 0"};
    return std::chrono::nanoseconds{std::llround(ms * 1e6)};
}

std::vector<std::uint64_t> blocks_of(const element& object, std::size_t line) {
    std::vector<std::uint64_t> blocks;
    element list;
    if (object["hash_ids"].get(list) != simdjson::SUCCESS) return blocks; // the older traces have none
    simdjson::dom::array ids;
    if (list.get(ids) != simdjson::SUCCESS) throw TraceError{line, "hash_ids: expected a list of numbers"};
    for (const element id : ids) {
        std::uint64_t value = 0;
        if (id.get(value) != simdjson::SUCCESS)
            throw TraceError{line, "hash_ids: expected a list of numbers"};
        blocks.push_back(value);
    }
    return blocks;
}

} // namespace

std::vector<TraceRow> read_mooncake_jsonl(std::string_view text) {
    std::vector<TraceRow> rows;
    simdjson::dom::parser parser;
    for (TraceLines lines{text}; lines.next();) {
        element object;
        const auto error = parser.parse(lines.line().data(), lines.line().size()).get(object);
        if (error != simdjson::SUCCESS || !object.is_object()) {
            throw TraceError{lines.number(),
                             fmt::format("expected a JSON object, found '{}'", shown(lines.line()))};
        }
        TraceRow row;
        row.time = time_of(object, lines.number());
        row.prompt_tokens = tokens_of(object, "input_length", lines.number());
        row.completion_tokens = tokens_of(object, "output_length", lines.number());
        row.blocks = blocks_of(object, lines.number());
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace headroom::load
