// The TLS side of a backend: certificate, ALPN http/1.1, session resumption.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace headroom::mock {

/// Throws std::runtime_error with the file and the reason when a file cannot be used. ALPN without http/1.1
/// is refused with no_application_protocol (RFC 7301 §3.2).
std::unique_ptr<boost::asio::ssl::context> make_tls_context(const std::string& certificate_file,
                                                            const std::string& key_file);

} // namespace headroom::mock
