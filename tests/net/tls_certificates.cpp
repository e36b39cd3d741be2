// Makes keys and certificates with OpenSSL's own calls.
#include "tests/net/tls_certificates.hpp"

#include "net/assert.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace headroom::net {
namespace {

void add_extension(X509* certificate, int id, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    HEADROOM_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

std::string alternative_names(const IdentityOptions& options) {
    std::string names;
    for (const std::string& host : options.hosts)
        names += (names.empty() ? "DNS:" : ",DNS:") + host;
    for (const std::string& address : options.addresses)
        names += (names.empty() ? "IP:" : ",IP:") + address;
    return names;
}

} // namespace

void TestAuthority::FreeKey::operator()(evp_pkey_st* key) const noexcept {
    EVP_PKEY_free(key);
}

void TestAuthority::FreeCertificate::operator()(x509_st* certificate) const noexcept {
    X509_free(certificate);
}

TestAuthority::TestAuthority() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headroom-tls-XXXXXX").string();
    HEADROOM_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    key_ = Key(EVP_EC_gen("P-256"));
    certificate_ = make({.hosts = {}, .common_name = "Headroom test authority"}, key_.get(), true);
    file_ = write("authority.pem", nullptr, certificate_.get());
}

TestAuthority::~TestAuthority() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

TestAuthority& TestAuthority::shared() {
    static TestAuthority authority;
    return authority;
}

Identity TestAuthority::issue(const IdentityOptions& options) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = make(options, key.get(), false);
    const std::string name = std::to_string(serial_);
    return {write(name + "-certificate.pem", nullptr, certificate.get()),
            write(name + "-key.pem", key.get(), nullptr)};
}

TestAuthority::Certificate TestAuthority::make(const IdentityOptions& options, evp_pkey_st* key,
                                               bool authority) {
    Certificate owned(X509_new());
    X509* certificate = owned.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from_hours * 3600L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_to_hours * 3600L);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1,
                               0);
    const bool self_signed = authority || options.self_signed;
    X509_set_issuer_name(certificate, self_signed ? subject : X509_get_subject_name(certificate_.get()));
    add_extension(certificate, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    const std::string names = alternative_names(options);
    if (!names.empty()) add_extension(certificate, NID_subject_alt_name, names);
    HEADROOM_ASSERT(X509_sign(certificate, self_signed ? key : key_.get(), EVP_sha256()) > 0);
    return owned;
}

std::string TestAuthority::write(const std::string& name, evp_pkey_st* key, x509_st* certificate) const {
    const std::string path = folder_ + "/" + name;
    std::FILE* file = std::fopen(path.c_str(), "w");
    HEADROOM_ASSERT(file != nullptr);
    if (key != nullptr) PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    if (certificate != nullptr) PEM_write_X509(file, certificate);
    std::fclose(file);
    return path;
}

} // namespace headroom::net
