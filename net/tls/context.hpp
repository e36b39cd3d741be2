// TlsContext: certificates, trust and policy for many TLS sessions (an SSL_CTX of OpenSSL).
// Built at start-up or by a reload on the control thread, then shared read-only by shards.
// TLS 1.2 and 1.3 only; ALPN is http/1.1.
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace headroom::net {

class TlsContext {
  public:
    struct ServerOptions {
        std::string certificate_file; ///< PEM, leaf first, then the chain
        std::string key_file;         ///< PEM
        bool tls13_only = false;      ///< refuse TLS 1.2
    };
    struct ClientOptions {
        std::string ca_file; ///< PEM; empty: the system's store
        bool verify = true;  ///< false accepts any certificate: for tests and said loudly in the log
    };

    /// Throws std::runtime_error with the file and OpenSSL's reason.
    explicit TlsContext(const ServerOptions& options);
    explicit TlsContext(const ClientOptions& options);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    ssl_ctx_st* native() const noexcept { return context_; }

  private:
    ssl_ctx_st* context_;
};

} // namespace headroom::net
