// Certificates for tests, made when they are asked for: an authority, and servers that it vouches for or not.
// Files live in a folder of this process that is removed at its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace headroom::net {

/// What a server shows: PEM files.
struct Identity {
    std::string certificate_file;
    std::string key_file;
};

struct IdentityOptions {
    std::vector<std::string> hosts = {"localhost"}; ///< DNS names of the certificate
    std::vector<std::string> addresses;             ///< IP addresses of the certificate
    std::string common_name = "test";
    int valid_from_hours = -1; ///< from now
    int valid_to_hours = 24;   ///< from now
    bool self_signed = false;
};

/// A certificate authority that nobody but its tests trusts.
class TestAuthority {
  public:
    /// Generates a key; one authority serves a whole program.
    TestAuthority();
    TestAuthority(const TestAuthority&) = delete;
    TestAuthority& operator=(const TestAuthority&) = delete;
    ~TestAuthority();

    static TestAuthority& shared();

    /// PEM of the authority's own certificate.
    const std::string& file() const { return file_; }
    Identity issue(const IdentityOptions& options = {});

  private:
    struct FreeKey {
        void operator()(evp_pkey_st* key) const noexcept;
    };
    struct FreeCertificate {
        void operator()(x509_st* certificate) const noexcept;
    };
    using Key = std::unique_ptr<evp_pkey_st, FreeKey>;
    using Certificate = std::unique_ptr<x509_st, FreeCertificate>;

    Certificate make(const IdentityOptions& options, evp_pkey_st* key, bool authority);
    std::string write(const std::string& name, evp_pkey_st* key, x509_st* certificate) const;

    std::string folder_;
    std::string file_;
    Key key_;
    Certificate certificate_;
    long serial_ = 0;
};

} // namespace headroom::net
