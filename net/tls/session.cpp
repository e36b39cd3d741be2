// The life of a TLS session: set up, handshake, attention, end. Records are in session_records.cpp.
#include "net/tls/session.hpp"

#include "net/tls/context.hpp"
#include "net/tls/failure.hpp"
#include "net/tls/session_cache.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace headroom::net {
namespace {

constexpr std::string_view http11 = "http/1.1";
/// Blocks that one look at an idle session takes from its socket.
constexpr std::size_t pulls_max = 8;

} // namespace

TlsSession::TlsSession(Socket& socket, TlsContext& context)
    : socket_(&socket), wire_(socket.loop().buffers()) {
    prepared_ = prepare(context);
    if (prepared_) SSL_set_accept_state(ssl_);
}

TlsSession::TlsSession(Socket& socket, TlsContext& context, std::string_view server_name,
                       TlsSessionCache* cache)
    : socket_(&socket), cache_(cache), wire_(socket.loop().buffers()), client_(true) {
    prepared_ = prepare(context) && aim_at(server_name);
    if (!prepared_) return;
    SSL_set_connect_state(ssl_);
    if (cache_ != nullptr) cache_->offer(ssl_);
}

TlsSession::~TlsSession() {
    if (ssl_ == nullptr) return;
    // Without this OpenSSL would take a session that was not shut down in order for one not to be resumed.
    if (established_ && !is_broken()) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
    ERR_clear_error();
}

bool TlsSession::prepare(TlsContext& context) {
    ERR_clear_error();
    ssl_ = SSL_new(context.native());
    BIO* bio = ssl_ != nullptr ? wire_.new_bio() : nullptr;
    if (bio == nullptr) {
        failure_ = "cannot set up TLS: " + take_tls_errors();
        return false;
    }
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_app_data(ssl_, this);
    return true;
}

bool TlsSession::aim_at(std::string_view server_name) {
    std::string name(server_name);
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    if (name.ends_with('.')) name.pop_back(); // neither SNI nor certificates have it (RFC 6066 §3)
    const bool verify = SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE;
    if (verify) SSL_set_verify(ssl_, SSL_VERIFY_PEER, on_verify);
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_);
    // CN-IDs must not be used (RFC 9110 §4.3.4), and "f*.example" is no pattern (RFC 9525 §6.3).
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool set = !name.empty() || !verify; // an empty name would check nothing
    if (Endpoint::parse(name, 0)) {
        set = X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
    } else if (!name.empty()) {
        set = X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1 &&
              SSL_set_tlsext_host_name(ssl_, name.c_str()) == 1;
    }
    if (!set) failure_ = "'" + name + "' is not a host name that a certificate can be checked against";
    ERR_clear_error();
    return set;
}

int TlsSession::on_verify(int verified, X509_STORE_CTX* certificates) noexcept {
    if (verified == 1) return 1;
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(certificates, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* session = ssl != nullptr ? static_cast<TlsSession*>(SSL_get_app_data(ssl)) : nullptr;
    if (session != nullptr) {
        session->certificate_refused_ = true;
        session->failure_ = certificate_failure(certificates);
    }
    return 0;
}

int TlsSession::on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
    auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
    if (self == nullptr || self->cache_ == nullptr) return 0;
    self->cache_->put(session);
    return 1; // the reference is the cache's now
}

bool TlsSession::resumed() const noexcept {
    return established_ && SSL_session_reused(ssl_) == 1;
}

std::string_view TlsSession::protocol() const noexcept {
    return established_ ? SSL_get_version(ssl_) : "";
}

Error TlsSession::fault(ErrorCode code) const noexcept {
    // Another backend may do better; another try of a client is the client's affair.
    return {code, socket_->side(), socket_->side() == Side::backend};
}

Error TlsSession::interrupted() const noexcept {
    return {ErrorCode::interrupted, socket_->side(), false};
}

// ---- handshake ----

Task<Result<void>> TlsSession::handshake() {
    if (!prepared_) {
        broken_ = fault(ErrorCode::tls_handshake);
        co_return broken_;
    }
    for (;;) {
        ERR_clear_error();
        const int outcome = SSL_do_handshake(ssl_);
        if (outcome != 1 && SSL_get_error(ssl_, outcome) != SSL_ERROR_WANT_READ) {
            fail_handshake(fault(ErrorCode::tls_handshake));
            (void)co_await flush(Role::receiver); // the alert; when it cannot be sent there is no one to tell
            co_return broken_;
        }
        if (const Result<void> sent = co_await flush(Role::receiver); !sent) {
            fail_handshake(sent.error());
            co_return broken_;
        }
        if (outcome == 1) break;
        if (fin_) lost_ = fault(ErrorCode::closed);
        if (lost_.code == ErrorCode::none) (void)co_await fill(Role::receiver);
        if (lost_.code != ErrorCode::none) {
            fail_handshake(lost_);
            co_return broken_;
        }
    }
    ERR_clear_error(); // from here on it stays empty: only failures fill it, and they take what they find
    if (!alpn_agreed()) co_return broken_;
    established_ = true;
    co_return Result<void>();
}

void TlsSession::fail_handshake(Error by_default) {
    broken_ = by_default;
    const std::string reason = take_tls_errors();
    if (certificate_refused_) {
        broken_ = fault(ErrorCode::tls_certificate);
        return;
    }
    if (wire_.overflowed) broken_ = fault(ErrorCode::no_memory);
    if (broken_.code == ErrorCode::closed) {
        failure_ = "the peer closed the connection during the handshake";
    } else if (broken_.code == ErrorCode::tls_handshake) {
        const std::string_view foreign = foreign_protocol({opening_.data(), opening_.size()});
        failure_ = foreign.empty() ? reason : "the peer speaks " + std::string(foreign) + ", not TLS";
        if (failure_.empty()) failure_ = "the peer broke the protocol";
    } else {
        failure_ = "lost during the handshake: " + std::string(name_of(broken_.code));
    }
}

bool TlsSession::alpn_agreed() noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    if (size == 0 || std::string_view(reinterpret_cast<const char*>(name), size) == http11) return true;
    broken_ = fault(ErrorCode::tls_handshake);
    failure_ = "the peer chose a protocol that was not offered (ALPN)";
    return false;
}

// ---- attention ----

bool TlsSession::has_input() noexcept {
    return !receiving_ && examine().has_value();
}

std::optional<Attention> TlsSession::examine() noexcept {
    std::size_t pulls = 0;
    while (!is_broken() && !ended_) {
        if (SSL_pending(ssl_) > 0) return Attention::readable;
        if (pulls == pulls_max)
            return Attention::readable; // a flood without plain bytes: let the owner judge
        if (wire_.input.empty()) {
            ++pulls;
            if (!pull()) {
                note_end();
                break;
            }
        }
        char first = 0;
        std::size_t peeked = 0;
        const int outcome = SSL_peek_ex(ssl_, &first, 1, &peeked);
        if (outcome == 1) return Attention::readable;
        if (!wants_input(outcome)) break;
    }
    if (ended_) return Attention::ended;
    if (is_broken()) return fin_ ? Attention::ended : Attention::failed;
    return std::nullopt;
}

void TlsSession::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    notify_ = notify;
    notify_context_ = context;
    end_told_ = false;
    if (notify == nullptr) {
        socket_->watch(nullptr, nullptr);
        return;
    }
    socket_->watch(
        [](void* self, Attention attention) { static_cast<TlsSession*>(self)->on_attention(attention); },
        this);
}

void TlsSession::on_attention(Attention attention) noexcept {
    if (attention == Attention::readable) {
        if (receiving_) return; // it will see for itself
        const std::optional<Attention> found = examine();
        if (!found) return;
        attention = *found;
    }
    if (attention == Attention::ended) {
        if (end_told_) return; // close_notify and FIN are one end
        end_told_ = true;
    }
    if (notify_ != nullptr) notify_(notify_context_, attention);
}

void TlsSession::interrupt_receive() noexcept {
    if (!receiving_) return;
    receive_interrupted_ = true;
    if (filling_ == Role::receiver) socket_->interrupt_receive();
    wake(receiver_waits_);
}

void TlsSession::interrupt_send() noexcept {
    if (!sending_) return;
    send_interrupted_ = true;
    if (flushing_ == Role::sender) socket_->interrupt_send();
    if (filling_ == Role::sender) socket_->interrupt_receive();
    wake(sender_waits_);
}

} // namespace headroom::net
