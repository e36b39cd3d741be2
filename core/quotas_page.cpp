// /quotas: what the fleet knows of every slot. The columns are listed once, for JSON and for text.
#include "core/report.hpp"
#include "core/why_page.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace headroom::core {
namespace {

using balance::ContentDelay;
using balance::SlotView;

double seconds(balance::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::string_view word_of(balance::Forgetting way) noexcept {
    switch (way) {
        case balance::Forgetting::sliding: return "sliding 60 s";
        case balance::Forgetting::fixed: return "whole minutes";
        case balance::Forgetting::bucket: return "continuous";
    }
    return "unknown";
}

std::string_view word_of(balance::QuotaLimit::Source source) noexcept {
    switch (source) {
        case balance::QuotaLimit::Source::unknown: return "unknown";
        case balance::QuotaLimit::Source::configured: return "configured";
        case balance::QuotaLimit::Source::header: return "told by the backend";
        case balance::QuotaLimit::Source::refusals: return "found by refusals";
    }
    return "unknown";
}

/// ", saves up 10 s", of a bucket that saves less than a minute.
void append_saved(std::string& out, const SlotView& slot) {
    const auto rate =
        static_cast<double>((slot.tokens_rate.count() > 0 ? slot.tokens_rate : slot.tokens_limit).count());
    if (slot.tokens_saved.count() == 0 || rate <= 0) return;
    fmt::format_to(std::back_inserter(out), ", saves up {:.0f} s",
                   static_cast<double>(slot.tokens_saved.count()) * balance::ticks_per_window / rate);
}

/// ", late after 0.412 s for prompts up to 1024 tokens, 3.207 s up to 16384, 9.310 s over 262144", of the
/// sizes of which that is known.
void append_late(std::string& out, const SlotView& slot) {
    bool first = true;
    for (std::size_t size = 0; size < slot.late_after.size(); ++size) {
        if (!slot.late_after[size]) continue;
        const std::optional<balance::Tokens> most = ContentDelay::prompt_max(size);
        const balance::Tokens bound = most ? *most : ContentDelay::prompt_max(size - 1).value();
        fmt::format_to(std::back_inserter(out), "{}{:.3f} s {}{} {}{}", first ? ", late after " : ", ",
                       seconds(*slot.late_after[size]), first ? "for prompts " : "", most ? "up to" : "over",
                       bound.count(), first ? " tokens" : "");
        first = false;
    }
}

/// `,"late_after":[{"prompt_max":1024,"s":0.412}]`; the largest prompts have no bound (null).
void append_late_json(std::string& out, const SlotView& slot) {
    out += R"(,"late_after":[)";
    const char* comma = "";
    for (std::size_t size = 0; size < slot.late_after.size(); ++size) {
        if (!slot.late_after[size]) continue;
        const std::optional<balance::Tokens> most = ContentDelay::prompt_max(size);
        fmt::format_to(std::back_inserter(out), R"({}{{"prompt_max":{},"s":{:.3f}}})", comma,
                       most ? fmt::to_string(most->count()) : "null", seconds(*slot.late_after[size]));
        comma = ",";
    }
    out += ']';
}

/// "sliding 60 s, charges max_tokens only, limit now 82 % of configured since 14:03", for people.
std::string quota_in_words(const SlotView& slot, const PageBasis& basis) {
    std::string out;
    if (slot.model.learned) {
        out += word_of(slot.forgetting);
        append_saved(out, slot);
        fmt::format_to(std::back_inserter(out), ", charges {}", balance::name_of(slot.model.rule));
        if (slot.model.rule == balance::ChargeRule::fitted)
            fmt::format_to(std::back_inserter(out), " ({:.2f} and {:.2f})", slot.model.prompt_factor,
                           slot.model.cap_factor);
    } else if (slot.tokens_saved.count() > 0) {
        out = word_of(slot.forgetting);
        append_saved(out, slot);
        fmt::format_to(std::back_inserter(out), " and drains {} a minute by its refusals",
                       slot.tokens_rate.count());
    } else {
        out = "not learned yet: sliding 60 s and prompt tokens and max_tokens are assumed";
    }
    const std::int64_t configured = slot.tokens_configured.count();
    if (slot.tokens_limit.count() == 0) return out += ", no limit known";
    if (configured > 0 && slot.tokens_limit != slot.tokens_configured) {
        fmt::format_to(std::back_inserter(out), ", limit now {} % of configured",
                       slot.tokens_limit.count() * 100 / configured);
    } else {
        fmt::format_to(std::back_inserter(out), ", limit {}", slot.tokens_limit.count());
    }
    if (slot.limit_for > balance::Duration::zero()) {
        std::string since;
        append_timestamp(
            since, basis.wall_now - std::chrono::duration_cast<balance::WallTime::duration>(slot.limit_for));
        out += " since " + since;
    }
    return out;
}

std::string summary(const SlotView& slot, const PageBasis& basis) {
    std::string out = quota_in_words(slot, basis);
    append_late(out, slot);
    return out;
}

/// One line per column: `visit(name, value)`.
template <class Visit>
void visit_slot(const SlotView& slot, Visit&& visit) {
    visit("tokens_limit", slot.tokens_limit.count());
    visit("tokens_configured", slot.tokens_configured.count());
    visit("limit_source", word_of(slot.limit_source));
    visit("margin", slot.margin);
    visit("window", word_of(slot.forgetting));
    visit("tokens_saved", slot.tokens_saved.count());
    visit("tokens_drained", slot.tokens_rate.count());
    visit("charges", balance::name_of(slot.model.rule));
    visit("prompt_factor", slot.model.prompt_factor);
    visit("cap_factor", slot.model.cap_factor);
    visit("learned", slot.model.learned);
    visit("samples", slot.model.samples);
    visit("error", slot.model.error);
    visit("tokens_used", slot.tokens_used.count());
    visit("tokens_correction", slot.tokens_correction.count());
    visit("tokens_reserved", slot.tokens_reserved.count());
    visit("requests_limit", slot.requests_limit);
    visit("requests_slice_s", slot.requests_slice_s);
    visit("requests_used", slot.requests_used);
    visit("in_flight", slot.in_flight);
    visit("blocked_s", seconds(slot.blocked_for));
    visit("blocked_above", slot.blocked_above.count());
    visit("breaker", name_of(slot.breaker));
    visit("connection", name_of(slot.connection));
    visit("sent", slot.sent_total);
    visit("refusals", slot.refusals_total);
    visit("faults", slot.faults_total);
}

std::string shown(double value) {
    return fmt::format("{:.3f}", value);
}
template <class Value>
std::string shown(const Value& value) {
    return fmt::format("{}", value);
}

std::vector<SlotView> slots_of(const PageBasis& basis) {
    std::vector<SlotView> slots = basis.fleet.snapshot(basis.now);
    std::erase_if(slots, [](const SlotView& slot) {
        // those that stand for no configured name and were never asked
        return (slot.deployment.empty() || slot.overflow) && slot.sent_total == 0;
    });
    return slots;
}

std::string_view name_of_slot(const SlotView& slot) {
    return slot.overflow             ? "(others)"
           : slot.deployment.empty() ? "(none)"
                                     : std::string_view(slot.deployment);
}

} // namespace

std::string quotas_json(const PageBasis& basis) {
    std::string out = R"({"time":")";
    append_timestamp(out, basis.wall_now);
    out += R"(","window_s":60,"quotas":[)";
    bool any = false;
    for (const SlotView& slot : slots_of(basis)) {
        out += any ? R"(,{"backend":")" : R"({"backend":")";
        any = true;
        append_json_text(out, basis.config.backends[slot.backend].name);
        out += R"(","deployment":")";
        append_json_text(out, slot.deployment);
        fmt::format_to(std::back_inserter(out), R"(","others":{},"summary":")", slot.overflow);
        append_json_text(out, summary(slot, basis));
        out += '"';
        visit_slot(slot, [&](std::string_view name, const auto& value) {
            const bool word = std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string_view>;
            fmt::format_to(std::back_inserter(out), R"(,"{0}":{2}{1}{2})", name, shown(value),
                           word ? "\"" : "");
        });
        append_late_json(out, slot);
        out += '}';
    }
    return out += "]}\n";
}

std::string quotas_text(const PageBasis& basis) {
    std::string out = "Tokens of a minute, requests of a slice of it; a limit of 0 is not known.\n";
    for (const SlotView& slot : slots_of(basis)) {
        fmt::format_to(std::back_inserter(out), "\n{} {}\n  {}\n", basis.config.backends[slot.backend].name,
                       name_of_slot(slot), summary(slot, basis));
        visit_slot(slot, [&](std::string_view name, const auto& value) {
            fmt::format_to(std::back_inserter(out), "  {:<18} {:>14}\n", name, shown(value));
        });
    }
    return out;
}

} // namespace headroom::core
