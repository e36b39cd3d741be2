// Builds SSL_CTX objects: protocol versions, ciphers, certificates, trust, ALPN.
#include "net/tls/context.hpp"

#include "net/tls/failure.hpp"
#include "net/tls/session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <string_view>

namespace headroom::net {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using OwnedContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// TLS 1.2: forward secrecy and AEAD only. TLS 1.3 has nothing else.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!aPSK";
/// Length-prefixed (RFC 7301 §3.1).
constexpr std::string_view alpn_http11 = "\x08http/1.1";

[[noreturn]] void refuse(const std::string& what) {
    const std::string reason = take_tls_errors();
    throw std::runtime_error(reason.empty() ? what : what + ": " + reason);
}

/// Without this OpenSSL would ask the terminal for the password of an encrypted key.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*context*/) noexcept {
    return -1;
}

int select_alpn(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned offered_size, void* /*context*/) noexcept {
    std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
    while (!rest.empty()) {
        const auto size = static_cast<unsigned char>(rest.front());
        const std::string_view name = rest.substr(1, size);
        if (name == alpn_http11.substr(1)) {
            *chosen = reinterpret_cast<const unsigned char*>(name.data());
            *chosen_size = static_cast<unsigned char>(name.size());
            return SSL_TLSEXT_ERR_OK;
        }
        rest.remove_prefix(1 + name.size());
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL; // no_application_protocol (RFC 7301 §3.2)
}

OwnedContext new_context(const SSL_METHOD* method) {
    ERR_clear_error();
    OwnedContext context(SSL_CTX_new(method));
    if (context == nullptr) refuse("cannot set up TLS");
    SSL_CTX* ctx = context.get();
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_security_level(ctx, 2); // 112 bits: RSA of 2048, no SHA-1 signatures
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        refuse("cannot set up TLS");
    }
    return context;
}

} // namespace

TlsContext::TlsContext(const ServerOptions& options) : context_(nullptr) {
    OwnedContext context = new_context(TLS_server_method());
    SSL_CTX* ctx = context.get();
    if (SSL_CTX_use_certificate_chain_file(ctx, options.certificate_file.c_str()) != 1) {
        refuse("cannot use certificate file " + options.certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        refuse("cannot use key file " + options.key_file);
    }
    if (SSL_CTX_check_private_key(ctx) != 1) {
        refuse("the key in " + options.key_file + " is not of the certificate in " +
               options.certificate_file);
    }
    if (options.tls13_only && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
        refuse("cannot set up TLS 1.3");
    }
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, nullptr);
    // Tickets hold the whole session, encrypted to this context: no table that threads would have to lock.
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    constexpr std::string_view id = "headroom";
    SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>(id.data()), id.size());
    context_ = context.release();
}

TlsContext::TlsContext(const ClientOptions& options) : context_(nullptr) {
    OwnedContext context = new_context(TLS_client_method());
    SSL_CTX* ctx = context.get();
    if (options.ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1) refuse("cannot use the system's CA certificates");
    } else if (SSL_CTX_load_verify_file(ctx, options.ca_file.c_str()) != 1) {
        refuse("cannot use CA file " + options.ca_file);
    } else {
        // Whoever names a file trusts what is in it, also when that is an intermediate.
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    }
    SSL_CTX_set_verify(ctx, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(alpn_http11.data()),
                            static_cast<unsigned>(alpn_http11.size()));
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, TlsSession::on_new_session);
    context_ = context.release();
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

} // namespace headroom::net
