// A recorded decision as JSON and back, bit by bit: what /why gives and `headroom replay` reads.
// Promises: reading what was written gives the same bits; reading anything else fails or gives a decision
// that is safe to run. Not here: what people read of a decision (core/why_page.hpp).
#pragma once

#include "balance/decision.hpp"
#include "balance/flight_recorder.hpp"

#include <simdjson.h>

#include <string>

namespace headroom::core {

/// All that running a decision again needs; `input.shape` is to be set to `shape`.
struct RecordedDecision {
    balance::FleetShape shape;
    balance::DecisionInput input;
    balance::Decision decision;
};

/// Appends an object; 64-bit masks are strings in hexadecimal, since JSON readers cut larger numbers.
void append_decision(std::string& out, const balance::FlightRecord& record, const balance::FleetShape& shape);
/// False when it is not what append_decision writes.
[[nodiscard]] bool read_decision(simdjson::dom::element from, RecordedDecision& into);

} // namespace headroom::core
