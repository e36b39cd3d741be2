// Wiping and describing credentials.
#include "core/secret.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>

namespace headroom::core {

std::string Secret::description() const {
    return empty() ? "not set" : fmt::format("set ({} character{})", size(), size() == 1 ? "" : "s");
}

void Secret::wipe() noexcept {
    // The whole capacity: a move leaves short strings behind in the small buffer. Growing to it never
    // allocates.
    bytes_.resize(bytes_.capacity());
    // A plain fill may be removed by the optimiser, because nobody reads the bytes again.
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
    bytes_.clear();
}

} // namespace headroom::core
