// What a request asks a backend to do: the kinds that differ in cost, retry and affinity.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// The API operation of a request; `other` is anything that is forwarded without being understood.
enum class Operation : std::uint8_t {
    chat,
    completions,
    embeddings,
    responses,
    audio,
    images,
    files,
    realtime,
    models,
    other
};

/// Number of operations, for tables indexed by Operation.
inline constexpr std::size_t operation_count = 10;

/// The stable lower-case name used in logs and metric labels.
[[nodiscard]] std::string_view name_of(Operation operation) noexcept;

/// True when the backend's tokens-per-minute quota is charged; the others cost a request slot only.
[[nodiscard]] bool charges_tokens(Operation operation) noexcept;

} // namespace headroom::balance
