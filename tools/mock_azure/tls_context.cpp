// The settings of OpenSSL that a backend needs.
#include "tools/mock_azure/tls_context.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

constexpr unsigned char http11[] = "\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned offered_length, void*) {
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, http11, sizeof http11 - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void check(const boost::system::error_code& error, const std::string& file, const char* expected) {
    if (error)
        throw std::runtime_error(
            fmt::format("tls: {}: {} (expected {} in PEM form)", file, error.message(), expected));
}

} // namespace

std::unique_ptr<asio::ssl::context> make_tls_context(const std::string& certificate_file,
                                                     const std::string& key_file) {
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1);
    boost::system::error_code error;
    context->use_certificate_chain_file(certificate_file, error);
    check(error, certificate_file, "a certificate chain");
    context->use_private_key_file(key_file, asio::ssl::context::pem, error);
    check(error, key_file, "the private key of that certificate");
    constexpr unsigned char id[] = "mock_azure";
    SSL_CTX_set_session_id_context(context->native_handle(), id, sizeof id - 1);
    SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_alpn_select_cb(context->native_handle(), &choose_protocol, nullptr);
    return context;
}

} // namespace headroom::mock
