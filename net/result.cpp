// Names of errors and their mapping from errno.
#include "net/result.hpp"

#include <cerrno>

namespace headroom::net {

std::string_view name_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::none: return "none";
        case ErrorCode::closed: return "closed";
        case ErrorCode::reset: return "reset";
        case ErrorCode::refused: return "refused";
        case ErrorCode::unreachable: return "unreachable";
        case ErrorCode::timed_out: return "timed_out";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::interrupted: return "interrupted";
        case ErrorCode::tls_handshake: return "tls_handshake";
        case ErrorCode::tls_certificate: return "tls_certificate";
        case ErrorCode::tls_protocol: return "tls_protocol";
        case ErrorCode::malformed: return "malformed";
        case ErrorCode::too_large: return "too_large";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::no_memory: return "no_memory";
        case ErrorCode::no_descriptors: return "no_descriptors";
    }
    return "unknown";
}

Error error_from_errno(int error_number) noexcept {
    switch (error_number) {
        case ECONNREFUSED: return {ErrorCode::refused, Side::local, true};
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT: return {ErrorCode::unreachable, Side::local, true};
        case ETIMEDOUT: return {ErrorCode::timed_out, Side::local, true};
        case ECANCELED: return {ErrorCode::cancelled, Side::local, false};
        case EMFILE:
        case ENFILE: return {ErrorCode::no_descriptors, Side::local, true};
        case ENOMEM:
        case ENOBUFS: return {ErrorCode::no_memory, Side::local, true};
        default: return {ErrorCode::reset, Side::local, true};
    }
}

} // namespace headroom::net
