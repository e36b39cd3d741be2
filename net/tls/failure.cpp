// Words for TLS failures. OpenSSL's own reasons are kept where they are clear, so that they can be searched
// for.
#include "net/tls/failure.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace headroom::net {
namespace {

constexpr std::size_t text_bytes_max = 300;
constexpr int names_max = 8;

/// Peers choose the bytes of their certificates: nothing of them may forge a line of a log.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, text_bytes_max)) {
        out.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
    return out;
}

std::string_view view_of(const ASN1_STRING* text) noexcept {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_text(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return "?";
    inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

/// "a.example, *.b.example, 10.0.0.1", at most names_max of them.
std::string names_of(const X509* certificate) {
    auto* names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    std::string text;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < names_max; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
        if (!text.empty()) text += ", ";
        text += name->type == GEN_DNS ? std::string(view_of(name->d.dNSName))
                                      : address_text(view_of(name->d.iPAddress));
    }
    if (sk_GENERAL_NAME_num(names) > names_max) text += ", ...";
    GENERAL_NAMES_free(names);
    return text;
}

std::string text_of(const ASN1_TIME* time) {
    BIO* memory = BIO_new(BIO_s_mem());
    if (memory == nullptr) return {};
    std::string text;
    if (ASN1_TIME_print(memory, time) == 1) {
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(memory, &bytes);
        text.assign(bytes, static_cast<std::size_t>(size));
    }
    BIO_free(memory);
    return text;
}

std::string issuer_of(const X509* certificate) {
    std::array<char, 256> text{};
    X509_NAME_oneline(X509_get_issuer_name(certificate), text.data(), static_cast<int>(text.size()));
    return text.data();
}

std::string detail_of(int error, const X509* certificate) {
    switch (error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: {
            const std::string names = names_of(certificate);
            return names.empty() ? ": certificate names no host" : ": certificate is for " + names;
        }
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return " (not after " + text_of(X509_get0_notAfter(certificate)) + ")";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return " (not before " + text_of(X509_get0_notBefore(certificate)) + ")";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return " (issuer " + issuer_of(certificate) + ")";
        default: return {};
    }
}

} // namespace

std::string take_tls_errors() {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (error == 0) return {};
    if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
    const int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
        return std::string("the peer's alert: ") + SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
    }
    const char* text = ERR_reason_error_string(error);
    return text != nullptr ? text : "OpenSSL error " + std::to_string(error);
}

std::string certificate_failure(x509_store_ctx_st* context) {
    const int error = X509_STORE_CTX_get_error(context);
    std::string text = X509_verify_cert_error_string(error);
    const X509* certificate = X509_STORE_CTX_get_current_cert(context);
    if (certificate != nullptr) text += detail_of(error, certificate);
    ERR_clear_error(); // what looking into a broken certificate may have left
    return printable(text);
}

std::string_view foreign_protocol(std::string_view first_bytes) noexcept {
    if (first_bytes.starts_with("HTTP/")) return "plain HTTP";
    if (first_bytes.starts_with("SSH-")) return "SSH";
    const bool method = first_bytes.size() >= 3 && first_bytes[0] >= 'A' && first_bytes[0] <= 'Z' &&
                        first_bytes[1] >= 'A' && first_bytes[1] <= 'Z' && first_bytes[2] >= 'A' &&
                        first_bytes[2] <= 'Z';
    return method ? "plain HTTP" : std::string_view();
}

} // namespace headroom::net
