// Opens the PEM files that a configuration names, so that a bad one is found before the first connection.
// Used by verify.
// Not here: TLS contexts (net/).
#pragma once

#include <string>

namespace headroom::core {

/// What opening a PEM file showed; both texts are empty when all is well.
struct PemReport {
    std::string mistake;
    std::string warning;
};

/// The certificate chain and its private key: readable, and belonging together; expired is a warning.
[[nodiscard]] PemReport check_certificate_and_key(const std::string& certificate_file,
                                                  const std::string& key_file);

/// At least one certificate.
[[nodiscard]] PemReport check_ca_file(const std::string& ca_file);

} // namespace headroom::core
