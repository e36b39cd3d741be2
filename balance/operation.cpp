// Names of the operations and which of them a token quota charges.
#include "balance/operation.hpp"

#include <array>

namespace headroom::balance {

std::string_view name_of(Operation operation) noexcept {
    static constexpr std::array<std::string_view, operation_count> names{
        "chat",   "completions", "embeddings", "responses", "audio",
        "images", "files",       "realtime",   "models",    "other"};
    const auto index = static_cast<std::size_t>(operation);
    return index < names.size() ? names[index] : "other";
}

bool charges_tokens(Operation operation) noexcept {
    switch (operation) {
        case Operation::chat:
        case Operation::completions:
        case Operation::embeddings:
        case Operation::responses: return true;
        default: return false;
    }
}

} // namespace headroom::balance
