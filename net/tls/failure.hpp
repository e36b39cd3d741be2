// Why TLS failed, in words for the log: OpenSSL's error queue, the peer's alert, what a certificate lacks.
// Texts are printable ASCII of bounded length, whatever the peer sent.
#pragma once

#include <string>
#include <string_view>

struct ssl_st;
struct x509_st;
struct x509_store_ctx_st;

namespace headroom::net {

/// The first error in OpenSSL's queue of this thread in words; empties the queue. Empty when there is none.
std::string take_tls_errors();

/// What is wrong with the certificate that `context` has just refused, such as "certificate has expired
/// (not after Jan  1 00:00:00 2024 GMT)" or "hostname mismatch: certificate is for a.example, *.b.example".
std::string certificate_failure(x509_store_ctx_st* context);

/// What a peer speaks whose first bytes are no TLS record, such as "plain HTTP"; empty when nothing is known.
std::string_view foreign_protocol(std::string_view first_bytes) noexcept;

} // namespace headroom::net
