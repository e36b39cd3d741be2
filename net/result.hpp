// Result<T>: what every operation on the outside world returns.
// An Error is three bytes and says what happened, on whose side, and whether another try can help;
// the last is decided where it is known. Not here: our own mistakes (net/assert.hpp).
#pragma once

#include "net/assert.hpp"

#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace headroom::net {

/// What went wrong. `none` is never inside a failed Result.
enum class ErrorCode : std::uint8_t {
    none,
    closed,          ///< the peer ended the connection in order (FIN or close_notify)
    reset,           ///< RST, EPIPE, or any other loss of an established connection
    refused,         ///< connect: nobody listens
    unreachable,     ///< connect: no route, no address, or name not resolved
    timed_out,       ///< a phase's deadline passed
    cancelled,       ///< we ended it (shutdown, or the other end of the exchange is gone)
    interrupted,     ///< a wait ended early because something else wants attention; nothing is lost
    tls_handshake,   ///< handshake failed
    tls_certificate, ///< the peer's certificate was refused (expired, wrong host, unknown issuer)
    tls_protocol,    ///< a broken record, or a close without close_notify where one is due
    malformed,       ///< bytes that are not the protocol
    too_large,       ///< over one of our bounds
    unsupported,     ///< valid, but something we do not do
    no_memory,       ///< a memory bound of ours is reached
    no_descriptors,  ///< EMFILE or ENFILE
};

/// Which end is to blame.
enum class Side : std::uint8_t { client, backend, local };

struct Error {
    ErrorCode code = ErrorCode::none;
    Side side = Side::local;
    bool retryable = false;

    friend bool operator==(const Error&, const Error&) = default;
};
static_assert(sizeof(Error) == 3);

/// A short name for logs, such as "timed_out".
std::string_view name_of(ErrorCode code) noexcept;

/// Maps a positive errno of a socket call on an established connection (ECONNRESET, EPIPE, ...).
Error error_from_errno(int error_number) noexcept;

/// Either a T or an Error; asking for the wrong one is an invariant broken.
template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : ok_(true) { // NOLINT(google-explicit-constructor)
        ::new (static_cast<void*>(&value_)) T(std::move(value));
    }
    Result(Error error) noexcept : error_(error), ok_(false) {} // NOLINT(google-explicit-constructor)
    Result(Result&& other) noexcept : ok_(other.ok_) { take(other); }
    Result& operator=(Result&& other) noexcept {
        if (this != &other) {
            drop();
            ok_ = other.ok_;
            take(other);
        }
        return *this;
    }
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;
    ~Result() { drop(); }

    bool ok() const noexcept { return ok_; }
    explicit operator bool() const noexcept { return ok_; }
    T& value() & noexcept {
        HEADROOM_ASSERT(ok_);
        return value_;
    }
    const T& value() const& noexcept {
        HEADROOM_ASSERT(ok_);
        return value_;
    }
    T&& value() && noexcept {
        HEADROOM_ASSERT(ok_);
        return std::move(value_);
    }
    T& operator*() & noexcept { return value(); }
    T* operator->() noexcept { return &value(); }
    Error error() const noexcept {
        HEADROOM_ASSERT(!ok_);
        return error_;
    }

  private:
    void drop() noexcept {
        if (ok_) value_.~T();
    }
    void take(Result& other) noexcept {
        if (ok_) {
            ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
        } else {
            error_ = other.error_;
        }
    }

    union {
        T value_;
        Error error_;
    };
    bool ok_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
  public:
    Result() noexcept = default;
    Result(Error error) noexcept : error_(error) {} // NOLINT(google-explicit-constructor)
    bool ok() const noexcept { return error_.code == ErrorCode::none; }
    explicit operator bool() const noexcept { return ok(); }
    Error error() const noexcept {
        HEADROOM_ASSERT(!ok());
        return error_;
    }

  private:
    Error error_;
};

} // namespace headroom::net
