// TlsSessionCache: the last few TLS sessions of one destination, so that the next handshake is a short one.
// Owned by a connection pool and used by its thread alone. With TLS 1.3 a session is a ticket that comes
// after the handshake; OpenSSL calls back with each (see TlsSession).
#pragma once

#include <array>
#include <cstddef>

struct ssl_st;
struct ssl_session_st;

namespace headroom::net {

class TlsSessionCache {
  public:
    static constexpr std::size_t sessions_max = 4;

    TlsSessionCache() noexcept = default;
    TlsSessionCache(const TlsSessionCache&) = delete;
    TlsSessionCache& operator=(const TlsSessionCache&) = delete;
    ~TlsSessionCache() { clear(); }

    /// Keeps `session` and takes over the caller's reference; the oldest one makes room.
    void put(ssl_session_st* session) noexcept;
    /// Gives `ssl` the newest session before its handshake. A session is used once while there are others
    /// (RFC 8446 appendix C.4); the last one stays, since nobody watches who resumes between a proxy and
    /// its backend, and a full handshake costs both of them more.
    void offer(ssl_st* ssl) noexcept;
    void clear() noexcept;
    std::size_t size() const noexcept { return count_; }

  private:
    std::array<ssl_session_st*, sessions_max> sessions_{}; ///< the newest is the last
    std::size_t count_ = 0;
};

} // namespace headroom::net
