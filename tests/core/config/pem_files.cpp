// Certificates by OpenSSL.
#include "tests/core/config/pem_files.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>

namespace headroom::core::testing {
namespace {

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(length)};
}

} // namespace

PemPair make_pem_pair(int from_hours, int to_hours, const char* passphrase) {
    constexpr long hour = 3600;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    EXPECT_NE(key, nullptr);
    EXPECT_NE(certificate, nullptr);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_hours * hour);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to_hours * hour);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* common_name = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);

    PemPair pair;
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    pair.certificate = text_of(bio);
    BIO_free(bio);
    bio = BIO_new(BIO_s_mem());
    const auto* pass = reinterpret_cast<const unsigned char*>(passphrase);
    const int length = passphrase == nullptr ? 0 : static_cast<int>(std::strlen(passphrase));
    PEM_write_bio_PrivateKey(bio, key, passphrase == nullptr ? nullptr : EVP_aes_128_cbc(), pass, length,
                             nullptr, nullptr);
    pair.key = text_of(bio);
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}

} // namespace headroom::core::testing
