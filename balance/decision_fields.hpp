// The fields of what is recorded of a decision: one line each, from which the recorder's words, the JSON of
// /why and its reader all follow. Promises: a field that is listed here survives all three bit by bit. Not
// here: the fields' meaning (fleet.hpp, decision.hpp, flight_recorder.hpp).
#pragma once

#include "balance/decision.hpp"
#include "balance/quantities.hpp"

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace headroom::balance {

/// Every field of the input but what is told per candidate and the configuration; `visit(name, field)`.
template <class Input, class Visit>
constexpr void visit_input(Input& input, Visit&& visit) {
    visit("cost", input.cost);
    visit("prompt", input.prompt);
    visit("candidates", input.candidates);
    visit("open", input.open);
    visit("random", input.random);
    visit("patience", input.patience);
    visit("prefix", input.prefix);
    visit("may_probe", input.may_probe);
    visit("late", input.late);
    visit("silent", input.silent);
    visit("used_max", input.used_max);
    visit("lost_if_fits", input.lost[0]);
    visit("lost_anyway", input.lost[1]);
    visit("lost_probe", input.lost[2]);
    visit("lost_last_resort", input.lost[3]);
    visit("seen", input.seen);
    visit("opened", input.opened);
}

/// What a candidate looked like.
template <class Look, class Visit>
constexpr void visit_look(Look& look, Visit&& visit) {
    visit("state", look.state);
    visit("fits", look.fits);
    visit("used", look.used);
    visit("share", look.share);
    visit("recovery", look.recovery);
    visit("hopeless", look.hopeless);
    visit("may_go_over", look.may_go_over);
    visit("pace", look.pace);
    visit("room", look.room);
    visit("size", look.size);
    visit("rush", look.rush);
    visit("usual", look.usual);
    visit("price", look.price);
}

/// What was decided, but for the scores.
template <class Decided, class Visit>
constexpr void visit_decision(Decided& decision, Visit&& visit) {
    visit("kind", decision.kind);
    visit("reason", decision.reason);
    visit("taking", decision.taking);
    visit("quota", decision.quota);
    visit("backend", decision.backend);
    visit("retry_after", decision.retry_after);
    visit("scored", decision.scored);
    visit("admitted", decision.admitted);
}

inline std::uint64_t to_word(double value) noexcept {
    return std::bit_cast<std::uint64_t>(value);
}
inline std::uint64_t to_word(Tokens value) noexcept {
    return static_cast<std::uint64_t>(value.count());
}
inline std::uint64_t to_word(Duration value) noexcept {
    return static_cast<std::uint64_t>(value.count());
}
template <class Value>
    requires std::integral<Value> || std::is_enum_v<Value>
std::uint64_t to_word(Value value) noexcept {
    return static_cast<std::uint64_t>(value);
}

inline void from_word(std::uint64_t word, double& value) noexcept {
    value = std::bit_cast<double>(word);
}
inline void from_word(std::uint64_t word, Tokens& value) noexcept {
    value = Tokens(static_cast<std::int64_t>(word));
}
inline void from_word(std::uint64_t word, Duration& value) noexcept {
    value = Duration(static_cast<std::int64_t>(word));
}
template <class Value>
    requires std::integral<Value> || std::is_enum_v<Value>
void from_word(std::uint64_t word, Value& value) noexcept {
    value = static_cast<Value>(word);
}

} // namespace headroom::balance
