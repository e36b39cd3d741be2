// Every text becomes one JSON string, which simdjson reads and unescapes.
#include "bench/micro/simdjson_time.hpp"

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <algorithm>
#include <ctime>
#include <string_view>

namespace headroom::bench {
namespace {

std::string as_json_string(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') json += '\\';
        json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return json + '"';
}

} // namespace

double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double simdjson_seconds(const std::vector<std::string>& texts) {
    std::vector<simdjson::padded_string> strings;
    strings.reserve(texts.size());
    for (const std::string& text : texts)
        strings.emplace_back(as_json_string(text));
    simdjson::ondemand::parser parser;
    double best = 1e9;
    for (int round = 0; round < 7; ++round) {
        const double start = thread_seconds();
        for (const simdjson::padded_string& string : strings) {
            simdjson::ondemand::document document;
            std::string_view value;
            if (parser.iterate(string).get(document) != simdjson::SUCCESS ||
                document.get_string().get(value) != simdjson::SUCCESS)
                continue;
            benchmark::DoNotOptimize(value.data());
        }
        best = std::min(best, thread_seconds() - start);
    }
    return best;
}

} // namespace headroom::bench
