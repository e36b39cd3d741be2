// Self-signed certificates and keys for the tests of configuration files, made when they are asked for.
#pragma once

#include <string>

namespace headroom::core::testing {

struct PemPair {
    std::string certificate;
    std::string key;
};

/// A P-256 certificate valid from and to the given hours from now; with a passphrase the key is encrypted.
PemPair make_pem_pair(int from_hours, int to_hours, const char* passphrase = nullptr);

} // namespace headroom::core::testing
