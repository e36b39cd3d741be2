// From the rows of a trace to requests: caps, characters and beginnings that the trace does not tell are
// added here.
#include "bench/lab/workload.hpp"

#include "bench/lab/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string_view>

namespace headroom::lab {
namespace {

constexpr std::uint64_t characters_draw = 1;
constexpr double span_max_s = 3.2e8; // ten years; nanoseconds in 64 bits end after 292

std::int64_t cap_of(const load::TraceRow& row, const WorkloadOptions& options) {
    if (row.max_tokens) return *row.max_tokens;
    switch (options.cap) {
        case CapRule::none: return 0;
        case CapRule::fixed: return options.cap_tokens;
        case CapRule::usual: break;
    }
    const auto output = static_cast<std::uint64_t>(std::max<std::int64_t>(row.completion_tokens, 16));
    return static_cast<std::int64_t>(std::bit_ceil(output));
}

/// Rows of one named prefix share what the shortest of them has.
std::map<std::string_view, std::int64_t> shared_tokens(const std::vector<load::TraceRow>& rows) {
    std::map<std::string_view, std::int64_t> shared;
    for (const load::TraceRow& row : rows) {
        if (row.prefix.empty()) continue;
        const auto [found, added] = shared.emplace(row.prefix, row.prompt_tokens);
        if (!added) found->second = std::min(found->second, row.prompt_tokens);
    }
    return shared;
}

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text)
        hash = balance::mixed((hash ^ static_cast<unsigned char>(c)) + balance::mixing_step);
    return hash;
}

void add_blocks(const load::TraceRow& row, const std::map<std::string_view, std::int64_t>& shared,
                Workload& workload, Request& request) {
    request.blocks_begin = static_cast<std::uint32_t>(workload.blocks.size());
    if (!row.blocks.empty()) {
        workload.blocks.insert(workload.blocks.end(), row.blocks.begin(), row.blocks.end());
    } else if (!row.prefix.empty()) {
        const std::uint64_t name = hash_of(row.prefix);
        const std::int64_t count = shared.at(row.prefix) / load::prefix_block_tokens;
        for (std::int64_t i = 0; i < count; ++i)
            workload.blocks.push_back(balance::mixed(name + static_cast<std::uint64_t>(i)));
    }
    request.blocks_count = static_cast<std::uint32_t>(workload.blocks.size()) - request.blocks_begin;
    if (request.blocks_count >= 2) {
        const std::uint64_t* first = &workload.blocks[request.blocks_begin];
        request.prefix = balance::mixed(first[0] * 31 + balance::mixed(first[1])) | 1U;
    }
}

Duration span_of(const std::vector<Request>& requests) {
    if (requests.empty()) return std::chrono::seconds(1);
    // The last request stands for as much time as the others do on average.
    const Duration last = requests.back().at.time_since_epoch();
    const auto gaps = static_cast<std::int64_t>(std::max<std::size_t>(requests.size() - 1, 1));
    return std::max<Duration>(last + last / gaps, std::chrono::seconds(1));
}

} // namespace

Workload workload_of(const std::vector<load::TraceRow>& rows, const WorkloadOptions& options) {
    Workload workload;
    const auto shared = shared_tokens(rows);
    std::map<std::string_view, std::uint32_t> tenants;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const load::TraceRow& row = rows[i];
        Request request;
        request.at = Time(std::chrono::duration_cast<Duration>(row.time));
        request.prompt = row.prompt_tokens;
        request.cap = cap_of(row, options);
        request.output =
            request.cap > 0 ? std::min(row.completion_tokens, request.cap) : row.completion_tokens;
        Random random = random_for({options.seed, characters_draw, i});
        const double factor = std::clamp(1 + options.characters_deviation * random.normal(), 0.5, 2.0);
        request.characters = std::llround(static_cast<double>(request.prompt) * factor);
        const auto [tenant, added] = tenants.emplace(row.tenant, static_cast<std::uint32_t>(tenants.size()));
        if (added) workload.tenants.push_back(row.tenant);
        request.tenant = tenant->second;
        add_blocks(row, shared, workload, request);
        workload.requests.push_back(request);
    }
    if (workload.tenants.empty()) workload.tenants.emplace_back();
    workload.span = span_of(workload.requests);
    return workload;
}

Workload stretched(Workload workload, double factor) {
    const double last =
        workload.requests.empty()
            ? 0
            : std::chrono::duration<double>(workload.requests.back().at.time_since_epoch()).count();
    if (!(factor > 0) || !(last * factor < span_max_s))
        throw WorkloadError(
            fmt::format("times {:g} the trace would last {:g} s; at most {:g} can be simulated", factor,
                        last * factor, span_max_s));
    for (Request& request : workload.requests) {
        const double at = static_cast<double>(request.at.time_since_epoch().count()) * factor;
        request.at = Time(Duration(std::llround(at)));
    }
    workload.span = span_of(workload.requests);
    return workload;
}

Workload first_part(Workload workload, Duration span) {
    std::erase_if(workload.requests, [&](const Request& request) { return request.at >= Time(span); });
    if (workload.requests.empty()) throw WorkloadError("no request comes within that time");
    workload.span = std::min(workload.span, span);
    return workload;
}

} // namespace headroom::lab
