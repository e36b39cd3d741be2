// Which requests may run on two backends at once, and what a hedge came to. A hedge is a second attempt that
// is started while the first one is unusually late, so that the client gets whichever has content first
// (Dean, Barroso, "The Tail at Scale", CACM 56(2), 2013). Pure. Not here: what is late (content_delay.hpp),
// where a hedge may go (decision.hpp), racing the two (core/hedge.hpp).
#pragma once

#include "balance/operation.hpp"
#include "balance/request_facts.hpp"

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// What a request says of the harm of sending it twice.
struct HedgeSubject {
    Operation operation = Operation::other;
    const RequestFacts* facts = nullptr; ///< Null: its body was not read, or is none of JSON.
    bool names_object = false;           ///< It names something that one backend has.
};

/// Only a stream of inference that leaves nothing behind. Without a stream the first byte comes with the last
/// token: what is late then is a long answer, which a second backend would have to write from its beginning,
/// and both would be paid for whole. The Responses API stores what does not say `store: false`, and acts by
/// itself when it has tools, a conversation or a template.
[[nodiscard]] bool may_run_twice(const HedgeSubject& subject) noexcept;

/// What became of the wish for a second attempt.
enum class HedgeEnd : std::uint8_t {
    none,   ///< There was no wish for one.
    won,    ///< The client got its response.
    lost,   ///< The first one had content before.
    failed, ///< It failed itself; the first one went on, or had failed before.
    gone,   ///< The client left, or a shutdown ended both.
    scarce, ///< Not started: no other backend had quota to spare.
    budget, ///< Not started: the retry budget was spent.
};
inline constexpr std::size_t hedge_end_count = 7;

/// The word for log, metrics and explanations.
[[nodiscard]] std::string_view name_of(HedgeEnd end) noexcept;

} // namespace headroom::balance
