// Why a recorded decision took a candidate or left it, in words for people.
#pragma once

#include "balance/flight_recorder.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::core {

[[nodiscard]] std::string_view kind_word(balance::Decision::Kind kind) noexcept;
[[nodiscard]] std::string_view state_word(balance::Outlook::State state) noexcept;
/// A sentence without quotes or controls; `backend` is one of the record's candidates.
[[nodiscard]] std::string fate_of(const balance::FlightRecord& record, std::uint32_t backend);

} // namespace headroom::core
