// Asks OpenSSL about certificates and keys.
#include "core/config/tls_files.hpp"

#include "core/config/text.hpp"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>

namespace headroom::core {
namespace {

template <auto Free>
struct FreeWith {
    template <typename T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

/// Called for the passphrase of an encrypted key: we have none, and asking the terminal would hang a service.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

/// A file's BIO, or what is wrong with the path.
Bio open(const std::string& file, std::string& mistake) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        mistake = fmt::format("{} is a folder", in_ticks(file));
        return nullptr;
    }
    Bio bio{BIO_new_file(file.c_str(), "rb")};
    if (!bio) {
        mistake = std::filesystem::exists(file, error)
                      ? fmt::format("cannot read the file {}", in_ticks(file))
                      : fmt::format("the file {} does not exist", in_ticks(file));
        ERR_clear_error();
    }
    return bio;
}

Certificate first_certificate(const std::string& file, std::string& mistake) {
    const auto bio = open(file, mistake);
    if (!bio) return nullptr;
    Certificate certificate{PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)};
    if (!certificate) mistake = fmt::format("{} has no PEM certificate", in_ticks(file));
    ERR_clear_error();
    return certificate;
}

Key private_key(const std::string& file, std::string& mistake) {
    const auto bio = open(file, mistake);
    if (!bio) return nullptr;
    bool encrypted = false;
    Key key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted)};
    if (!key) {
        mistake = encrypted ? fmt::format("the key in {} is encrypted; expected one without a passphrase",
                                          in_ticks(file))
                            : fmt::format("{} has no PEM private key", in_ticks(file));
    }
    ERR_clear_error();
    return key;
}

std::string validity(const X509& certificate, const std::string& file) {
    if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
        return fmt::format("the certificate in {} has expired", in_ticks(file));
    }
    if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
        return fmt::format("the certificate in {} is not valid yet", in_ticks(file));
    }
    return {};
}

} // namespace

PemReport check_certificate_and_key(const std::string& certificate_file, const std::string& key_file) {
    PemReport report;
    const auto certificate = first_certificate(certificate_file, report.mistake);
    if (!certificate) return report;
    report.warning = validity(*certificate, certificate_file);
    const auto key = private_key(key_file, report.mistake);
    if (key && X509_check_private_key(certificate.get(), key.get()) != 1) {
        report.mistake = fmt::format("the key in {} does not belong to the first certificate in {}",
                                     in_ticks(key_file), in_ticks(certificate_file));
        ERR_clear_error();
    }
    return report;
}

PemReport check_ca_file(const std::string& ca_file) {
    PemReport report;
    const auto certificate = first_certificate(ca_file, report.mistake);
    if (certificate) report.warning = validity(*certificate, ca_file);
    return report;
}

} // namespace headroom::core
