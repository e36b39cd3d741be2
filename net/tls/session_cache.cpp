// A handful of session references, newest last.
#include "net/tls/session_cache.hpp"

#include <openssl/ssl.h>

#include <algorithm>

namespace headroom::net {

void TlsSessionCache::put(ssl_session_st* session) noexcept {
    if (count_ == sessions_max) {
        SSL_SESSION_free(sessions_[0]);
        std::rotate(sessions_.begin(), sessions_.begin() + 1, sessions_.end());
        --count_;
    }
    sessions_[count_++] = session;
}

void TlsSessionCache::offer(ssl_st* ssl) noexcept {
    // One that may not be used any more (its connection ended in an alert) would only cost a round of
    // refusal.
    while (count_ > 0 && SSL_SESSION_is_resumable(sessions_[count_ - 1]) == 0) {
        SSL_SESSION_free(sessions_[--count_]);
    }
    if (count_ == 0) return;
    SSL_SESSION* newest = sessions_[count_ - 1];
    SSL_set_session(ssl, newest); // takes a reference of its own
    if (count_ > 1) {
        SSL_SESSION_free(newest);
        --count_;
    }
}

void TlsSessionCache::clear() noexcept {
    while (count_ > 0) {
        SSL_SESSION_free(sessions_[--count_]);
    }
}

} // namespace headroom::net
