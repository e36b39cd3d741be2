// Rendering of /metrics.
#include "core/metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <functional>
#include <iterator>
#include <string_view>
#include <vector>

namespace headroom::core {
namespace {

using Shards = std::span<const ShardCounters* const>;
using Backends = std::vector<BackendConfig>;

class Page {
  public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    }
    void sample(std::string_view name, std::string_view labels, double value) {
        fmt::format_to(std::back_inserter(text_), "{}{} {}\n", name, labels, value);
    }
    void sample(std::string_view name, std::string_view labels, std::uint64_t value) {
        fmt::format_to(std::back_inserter(text_), "{}{} {}\n", name, labels, value);
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

std::string escaped(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\\' || c == '"') {
            (out += '\\') += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

std::string label(std::string_view key, std::string_view value) {
    return fmt::format("{{{}=\"{}\"}}", key, escaped(value));
}

template <typename Get>
std::uint64_t sum(Shards shards, Get get) {
    std::uint64_t total = 0;
    for (const ShardCounters* shard : shards)
        total += get(*shard).get();
    return total;
}

template <typename Get>
void total(Page& page, Shards shards, std::string_view name, std::string_view help, Get get) {
    page.family(name, "counter", help);
    page.sample(name, "", sum(shards, get));
}

template <typename Get>
void by_backend(Page& page, Shards shards, const Backends& backends, std::string_view name,
                std::string_view help, Get get) {
    page.family(name, "counter", help);
    for (std::size_t i = 0; i < backends.size(); ++i) {
        page.sample(
            name, label("backend", backends[i].name),
            sum(shards, [&](const ShardCounters& shard) -> const Count& { return get(shard.backend[i]); }));
    }
}

template <typename Get>
void histogram(Page& page, Shards shards, std::string_view name, std::string_view labels, Get get) {
    std::uint64_t cumulative = 0;
    std::uint64_t bound_us = DurationHistogram::first_bound_us;
    std::uint64_t sum_us = 0;
    for (const ShardCounters* shard : shards)
        sum_us += get(*shard).sum_us();
    const std::string separator = labels.empty() ? "" : ",";
    for (std::size_t bucket = 0; bucket < DurationHistogram::buckets; ++bucket, bound_us *= 2) {
        for (const ShardCounters* shard : shards)
            cumulative += get(*shard).count(bucket);
        const bool last = bucket + 1 == DurationHistogram::buckets;
        const std::string bound = last ? "+Inf" : fmt::format("{}", static_cast<double>(bound_us) / 1e6);
        page.sample(fmt::format("{}_bucket", name),
                    fmt::format("{{{}{}le=\"{}\"}}", labels, separator, bound), cumulative);
    }
    const std::string braced = labels.empty() ? "" : fmt::format("{{{}}}", labels);
    page.sample(fmt::format("{}_sum", name), braced, static_cast<double>(sum_us) / 1e6);
    page.sample(fmt::format("{}_count", name), braced, cumulative);
}

void sessions(Page& page, Shards shards) {
    using S = ShardCounters;
    total(page, shards, "headroom_sessions_accepted_total", "Client connections accepted.",
          [](const S& s) -> const Count& { return s.sessions_accepted; });
    total(page, shards, "headroom_sessions_refused_total", "Client connections refused over a bound.",
          [](const S& s) -> const Count& { return s.sessions_refused; });
    const std::uint64_t open = sum(shards, [](const S& s) -> const Count& { return s.sessions_accepted; }) -
                               sum(shards, [](const S& s) -> const Count& { return s.sessions_refused; }) -
                               sum(shards, [](const S& s) -> const Count& { return s.sessions_closed; });
    page.family("headroom_sessions_open", "gauge", "Client connections open now.");
    page.sample("headroom_sessions_open", "", open);
    total(page, shards, "headroom_tls_handshakes_failed_total", "TLS handshakes with clients that failed.",
          [](const S& s) -> const Count& { return s.tls_handshakes_failed; });
    total(page, shards, "headroom_log_lines_dropped_total",
          "Log lines lost because their reader was too slow.",
          [](const S& s) -> const Count& { return s.log_lines_dropped; });
}

void requests(Page& page, Shards shards) {
    using S = ShardCounters;
    total(page, shards, "headroom_requests_total", "Requests whose head was read.",
          [](const S& s) -> const Count& { return s.requests; });
    page.family("headroom_responses_total", "counter",
                "Responses to clients by status class; none: the client got no response.");
    constexpr std::array<std::string_view, 6> classes{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = 0; i < classes.size(); ++i) {
        page.sample("headroom_responses_total", label("class", classes[i]),
                    sum(shards, [&](const S& s) -> const Count& { return s.responses[i]; }));
    }
    total(page, shards, "headroom_malformed_total", "Requests refused because they were not HTTP.",
          [](const S& s) -> const Count& { return s.malformed; });
    total(page, shards, "headroom_retries_total", "Attempts beyond the first of a request, hedges left out.",
          [](const S& s) -> const Count& { return s.retries; });
    total(page, shards, "headroom_retries_denied_total",
          "Faults that clients got because the retry budget was spent or their SDK had retried already.",
          [](const S& s) -> const Count& { return s.retries_denied; });
    total(page, shards, "headroom_pinned_total", "Requests for objects whose backend was known.",
          [](const S& s) -> const Count& { return s.pinned; });
    total(page, shards, "headroom_searched_total",
          "Answers that an object is not there, after which another backend was asked.",
          [](const S& s) -> const Count& { return s.searched; });
    total(page, shards, "headroom_quota_absorbed_total",
          "429 answers of backends that were retried elsewhere.",
          [](const S& s) -> const Count& { return s.quota_absorbed; });
    total(page, shards, "headroom_exhausted_total",
          "Requests answered with 429 because every backend refused.",
          [](const S& s) -> const Count& { return s.exhausted; });
    total(page, shards, "headroom_client_gone_total", "Requests whose client left before the end.",
          [](const S& s) -> const Count& { return s.client_gone; });
    total(page, shards, "headroom_streams_broken_total",
          "Responses that ended early after a part had reached the client.",
          [](const S& s) -> const Count& { return s.streams_broken; });
    total(page, shards, "headroom_without_usage_total", "Successful responses that did not say their usage.",
          [](const S& s) -> const Count& { return s.without_usage; });
    total(page, shards, "headroom_request_body_bytes_total", "Bytes of request bodies.",
          [](const S& s) -> const Count& { return s.client_bytes_in; });
    total(page, shards, "headroom_response_body_bytes_total", "Bytes of response bodies.",
          [](const S& s) -> const Count& { return s.client_bytes_out; });
    page.family("headroom_request_duration_seconds", "histogram",
                "From a request's head to the last byte of its response.");
    histogram(page, shards, "headroom_request_duration_seconds", "",
              [](const S& s) -> const DurationHistogram& { return s.duration; });
}

void waits(Page& page, Shards shards) {
    using S = ShardCounters;
    page.family("headroom_waiting", "gauge", "Requests that wait for quota now.");
    page.sample("headroom_waiting", "", sum(shards, [](const S& s) -> const Count& { return s.waits.now; }));
    page.family(
        "headroom_waits_total", "counter",
        "Waits for quota by how they ended: sent, or refused because the opening turned out to be too "
        "late, expired, full (it had to make room), left (its client did, or a drain).");
    constexpr std::array<std::string_view, WaitCounters::ends> ends{"left",    "",        "sent",
                                                                    "refused", "expired", "full"};
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].empty()) continue;
        page.sample("headroom_waits_total", label("end", ends[i]),
                    sum(shards, [&](const S& s) -> const Count& { return s.waits.ended[i]; }));
    }
    page.family("headroom_wait_seconds", "histogram", "How long requests waited for quota.");
    histogram(page, shards, "headroom_wait_seconds", "",
              [](const S& s) -> const DurationHistogram& { return s.waits.waited; });
}

void hedges(Page& page, Shards shards) {
    using S = ShardCounters;
    using balance::HedgeEnd;
    const auto by_end = [&](std::string_view name, std::string_view key, std::span<const HedgeEnd> ends) {
        for (const HedgeEnd end : ends) {
            page.sample(name, label(key, name_of(end)), sum(shards, [&](const S& s) -> const Count& {
                            return s.hedges.ended[static_cast<std::size_t>(end)];
                        }));
        }
    };
    constexpr std::array started{HedgeEnd::won, HedgeEnd::lost, HedgeEnd::failed, HedgeEnd::gone};
    constexpr std::array withheld{HedgeEnd::scarce, HedgeEnd::budget};
    page.family(
        "headroom_hedges_total", "counter",
        "Second attempts beside late ones by how they ended: won, lost to the first one, failed, gone "
        "(the client left).");
    by_end("headroom_hedges_total", "end", started);
    page.family("headroom_hedges_withheld_total", "counter",
                "Late attempts without a second one, because no quota was to spare or the retry budget was "
                "spent.");
    by_end("headroom_hedges_withheld_total", "reason", withheld);
    total(page, shards, "headroom_hedge_tokens_total",
          "Tokens charged for those of two attempts whose response no client got.",
          [](const S& s) -> const Count& { return s.hedges.tokens; });
}

void estimates(Page& page, Shards shards) {
    const auto by_operation = [&](std::string_view name, std::string_view help, auto member) {
        page.family(name, "counter", help);
        for (std::size_t i = 0; i < balance::operation_count; ++i) {
            const auto operation = static_cast<balance::Operation>(i);
            if (!balance::charges_tokens(operation)) continue;
            page.sample(
                name, label("operation", balance::name_of(operation)),
                sum(shards, [&](const ShardCounters& s) -> const Count& { return s.estimates[i].*member; }));
        }
    };
    using E = EstimateCounters;
    by_operation("headroom_estimates_total", "Requests whose estimate was compared with their usage.",
                 &E::requests);
    by_operation("headroom_estimate_prompt_tokens_total", "Prompt tokens of those requests.",
                 &E::prompt_tokens);
    by_operation("headroom_estimate_prompt_error_tokens_total",
                 "How far their estimated prompts were off; divide by their prompt tokens.",
                 &E::prompt_error);
    by_operation("headroom_estimate_output_tokens_total", "Completion tokens of those requests.",
                 &E::output_tokens);
    by_operation("headroom_estimate_output_error_tokens_total",
                 "How far their expected outputs were off; divide by their completion tokens.",
                 &E::output_error);
}

void backends(Page& page, Shards shards, const Backends& all) {
    using B = BackendCounters;
    by_backend(page, shards, all, "headroom_backend_attempts_total",
               "Requests sent, or tried to be sent, to a backend.",
               [](const B& b) -> const Count& { return b.attempts; });
    page.family("headroom_backend_answers_total", "counter", "Responses of a backend by what they mean.");
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t v = 0; v < B::verdicts; ++v) {
            const std::string labels = fmt::format("{{backend=\"{}\",verdict=\"{}\"}}", escaped(all[i].name),
                                                   balance::name_of(static_cast<balance::Verdict>(v)));
            page.sample(
                "headroom_backend_answers_total", labels,
                sum(shards, [&](const ShardCounters& s) -> const Count& { return s.backend[i].answers[v]; }));
        }
    }
    by_backend(page, shards, all, "headroom_backend_connect_failures_total",
               "Connections that could not be made, TLS included.",
               [](const B& b) -> const Count& { return b.connect_failures; });
    by_backend(page, shards, all, "headroom_backend_broken_total", "Exchanges that died or stalled.",
               [](const B& b) -> const Count& { return b.broken; });
    by_backend(page, shards, all, "headroom_backend_won_total",
               "Requests whose response the client got from this backend.",
               [](const B& b) -> const Count& { return b.won; });
    by_backend(page, shards, all, "headroom_backend_prompt_tokens_total", "Prompt tokens as billed.",
               [](const B& b) -> const Count& { return b.prompt_tokens; });
    by_backend(page, shards, all, "headroom_backend_completion_tokens_total", "Completion tokens as billed.",
               [](const B& b) -> const Count& { return b.completion_tokens; });
    by_backend(page, shards, all, "headroom_backend_cached_tokens_total",
               "Prompt tokens served from the backend's cache.",
               [](const B& b) -> const Count& { return b.cached_tokens; });
    page.family("headroom_backend_first_byte_seconds", "histogram",
                "From a request sent to the head of its response.");
    for (std::size_t i = 0; i < all.size(); ++i) {
        histogram(
            page, shards, "headroom_backend_first_byte_seconds",
            fmt::format("backend=\"{}\"", escaped(all[i].name)),
            [&](const ShardCounters& s) -> const DurationHistogram& { return s.backend[i].first_byte; });
    }
}

void slots(Page& page, const std::vector<balance::SlotView>& views, const Backends& all) {
    const auto labels = [&](const balance::SlotView& view) {
        return fmt::format("{{backend=\"{}\",deployment=\"{}\"}}", escaped(all[view.backend].name),
                           view.overflow ? "(other)" : escaped(view.deployment));
    };
    const auto gauge = [&](std::string_view name, std::string_view help, auto get) {
        page.family(name, "gauge", help);
        for (const balance::SlotView& view : views)
            page.sample(name, labels(view), static_cast<double>(get(view)));
    };
    using V = balance::SlotView;
    gauge("headroom_quota_tokens_limit", "Tokens per minute, effective; 0: unknown.",
          [](const V& v) { return v.tokens_limit.count(); });
    gauge("headroom_quota_tokens_used", "Tokens in the last minute as the backend is thought to count them.",
          [](const V& v) { return v.tokens_used.count(); });
    gauge("headroom_quota_tokens_reserved", "Tokens of requests in flight.",
          [](const V& v) { return v.tokens_reserved.count(); });
    gauge("headroom_quota_requests_limit", "Requests per slice of one or ten seconds; 0: unknown.",
          [](const V& v) { return v.requests_limit; });
    gauge("headroom_quota_requests_used", "Requests in that slice.",
          [](const V& v) { return v.requests_used; });
    gauge("headroom_quota_margin", "Share of the limit that is kept free because of refusals.",
          [](const V& v) { return v.margin; });
    gauge("headroom_quota_learned", "1 when it is learned how the quota counts.",
          [](const V& v) { return v.model.learned ? 1 : 0; });
    gauge("headroom_quota_prediction_error", "Mean relative error of what the quota is predicted to count.",
          [](const V& v) { return v.model.error; });
    gauge("headroom_in_flight", "Requests in flight.", [](const V& v) { return v.in_flight; });
    gauge("headroom_blocked_seconds", "How much longer its own 429 keeps us away.",
          [](const V& v) { return std::chrono::duration<double>(v.blocked_for).count(); });
    page.family("headroom_breaker", "gauge",
                "1 for the state that the circuit breaker of a deployment is in.");
    for (const V& view : views) {
        std::string with_state = labels(view);
        with_state.insert(with_state.size() - 1, fmt::format(",state=\"{}\"", name_of(view.breaker)));
        page.sample("headroom_breaker", with_state, std::uint64_t{1});
    }
}

} // namespace

std::string metrics_page(const Config& config, Shards shards, balance::Fleet& fleet, net::Time now) {
    Page page;
    page.family("headroom_build_info", "gauge", "Always 1; the version is a label.");
    page.sample("headroom_build_info", label("version", HEADROOM_VERSION), std::uint64_t{1});
    sessions(page, shards);
    requests(page, shards);
    waits(page, shards);
    hedges(page, shards);
    estimates(page, shards);
    backends(page, shards, config.backends);
    page.family("headroom_backend_up", "gauge",
                "0 while connections to a backend keep failing, whatever the deployment.");
    for (std::size_t i = 0; i < config.backends.size(); ++i) {
        page.sample("headroom_backend_up", label("backend", config.backends[i].name),
                    std::uint64_t{fleet.can_serve(static_cast<std::uint32_t>(i), now) ? 1U : 0U});
    }
    slots(page, fleet.snapshot(now), config.backends);
    return page.take();
}

} // namespace headroom::core
