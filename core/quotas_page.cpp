// /quotas: what the fleet knows of every slot. The columns are listed once, for JSON and for text.
#include "core/report.hpp"
#include "core/why_page.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace headroom::core {
namespace {

using balance::SlotView;

std::string_view word_of(balance::Breaker::State state) {
    using State = balance::Breaker::State;
    switch (state) {
        case State::closed: return "closed";
        case State::open: return "open";
        case State::due: return "due";
        case State::probing: return "probing";
        case State::returning: return "returning";
    }
    return "unknown";
}

double seconds(balance::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// One line per column: `visit(name, value)`.
template <class Visit>
void visit_slot(const SlotView& slot, Visit&& visit) {
    visit("tokens_limit", slot.tokens_limit.count());
    visit("tokens_used", slot.tokens_used.count());
    visit("tokens_correction", slot.tokens_correction.count());
    visit("tokens_reserved", slot.tokens_reserved.count());
    visit("requests_limit", slot.requests_limit);
    visit("requests_used", slot.requests_used);
    visit("in_flight", slot.in_flight);
    visit("blocked_s", seconds(slot.blocked_for));
    visit("blocked_above", slot.blocked_above.count());
    visit("breaker", word_of(slot.breaker));
    visit("connection", word_of(slot.connection));
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
    out += R"(","window_s":60,"requests_window_s":10,"quotas":[)";
    bool any = false;
    for (const SlotView& slot : slots_of(basis)) {
        out += any ? R"(,{"backend":")" : R"({"backend":")";
        any = true;
        append_json_text(out, basis.config.backends[slot.backend].name);
        out += R"(","deployment":")";
        append_json_text(out, slot.deployment);
        fmt::format_to(std::back_inserter(out), R"(","others":{})", slot.overflow);
        visit_slot(slot, [&](std::string_view name, const auto& value) {
            const bool word = std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string_view>;
            fmt::format_to(std::back_inserter(out), R"(,"{0}":{2}{1}{2})", name, shown(value),
                           word ? "\"" : "");
        });
        out += '}';
    }
    return out += "]}\n";
}

std::string quotas_text(const PageBasis& basis) {
    std::string out = "Tokens of a sliding minute, requests of ten seconds; a limit of 0 is not known.\n";
    for (const SlotView& slot : slots_of(basis)) {
        fmt::format_to(std::back_inserter(out), "\n{} {}\n", basis.config.backends[slot.backend].name,
                       name_of_slot(slot));
        visit_slot(slot, [&](std::string_view name, const auto& value) {
            fmt::format_to(std::back_inserter(out), "  {:<18} {:>14}\n", name, shown(value));
        });
    }
    return out;
}

} // namespace headroom::core
