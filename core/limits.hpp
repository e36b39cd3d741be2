// The bounds of everything that comes from outside: network input and configuration.
// Shared by the whole of core. Defaults that a user may change are in config.hpp; these may not be changed.
// Not here: bounds of the HTTP reader and the loop (net/limits.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headroom::core::limits {

// Configuration file: a person writes it, so anything beyond these is a wrong file or an attack.
inline constexpr std::size_t config_file_bytes_max = 1U << 20U;
inline constexpr std::size_t config_nodes_max = 20'000;
inline constexpr std::size_t config_depth_max = 16;
inline constexpr std::size_t config_findings_max = 100;
inline constexpr std::size_t secret_bytes_max = 16U << 10U;

inline constexpr std::size_t backends_max = 64;
inline constexpr std::size_t deployments_per_backend_max = 256;
inline constexpr std::size_t models_max = 256;
inline constexpr std::size_t listen_addresses_max = 16;
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t url_bytes_max = 2048;
inline constexpr std::size_t host_bytes_max = 253;

inline constexpr std::size_t tenant_weights_max = 256;
inline constexpr std::size_t field_name_bytes_max = 64;
inline constexpr unsigned queue_length_max = 1'000'000;

// Stored objects whose backend is remembered, 8 bytes each for all shards together. A response of the
// Responses API leaves two: its own and its item. Who is crowded out is searched for again.
inline constexpr std::size_t pins_max = std::size_t{1} << 17U;

inline constexpr unsigned workers_max = 256;
inline constexpr unsigned priority_max = 1'000'000;
inline constexpr unsigned weight_max = 1000;
inline constexpr unsigned price_max = 1'000'000'000;
inline constexpr std::uint64_t tokens_per_minute_max = 1'000'000'000'000;
inline constexpr std::uint64_t requests_per_minute_max = 1'000'000'000;

// The longest a configured timeout may be: beyond a day it is a mistake of units.
inline constexpr std::chrono::milliseconds timeout_max = std::chrono::hours{24};

} // namespace headroom::core::limits
