// Contradictions between settings, unusable files, and warnings about what is probably not meant.
#include "core/config/verify.hpp"

#include "tests/core/config/loading.hpp"
#include "tests/core/config/pem_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Verified : public testing::Loading {
  protected:
    Loaded with_backend(const std::string& yaml) {
        return load(yaml, {{"BACKEND_1_URL", "https://a.example"}, {"BACKEND_1_APIKEY", "k"}});
    }
    std::string tls_yaml() { return "tls: {certificate_file: c.pem, key_file: k.pem}\n"; }
};

TEST_F(Verified, AddressesMayNotOverlap) {
    EXPECT_THAT(mistakes(with_backend("listen: ['127.0.0.1:80', ':80']\n")),
                ElementsAre("headroom.yaml:1:10: mistake: listen: 127.0.0.1:80 and 0.0.0.0:80 overlap"));
    EXPECT_THAT(mistakes(with_backend("listen: ':80'\nadmin: '127.0.0.1:80'\n")),
                ElementsAre("headroom.yaml:2:8: mistake: listen 0.0.0.0:80 and admin 127.0.0.1:80 overlap"));
    EXPECT_THAT(mistakes(with_backend("listen: ':9090'\n")),
                ElementsAre(HasSubstr("admin 127.0.0.1:9090 overlap")));
    EXPECT_THAT(mistakes(with_backend(
                    "listen: ['127.0.0.1:80', '127.0.0.2:80', '[::]:80', ':0', ':0']\nadmin: ':0'\n")),
                IsEmpty());
}

TEST_F(Verified, LimitsMustFitIntoEachOther) {
    EXPECT_THAT(
        mistakes(with_backend("limits: {body_bytes_max: 100MiB}\n")),
        ElementsAre(
            "headroom.yaml:1:26: mistake: limits.connection_bytes_max (64MiB) cannot hold the largest head "
            "and body (102464KiB)"));
    EXPECT_THAT(mistakes(with_backend("limits: {memory_bytes_total: 32MiB}\n")),
                ElementsAre("headroom.yaml:1:30: mistake: limits.memory_bytes_total (32MiB) is less than "
                            "limits.connection_bytes_max (64MiB)"));
}

TEST_F(Verified, TheDrainMustEndBeforeThePlatformKills) {
    EXPECT_THAT(warnings(with_backend("timeouts: {drain: 60}\n")),
                Contains(HasSubstr("headroom.yaml:1:19: warning: timeouts.drain (60s) is not shorter than "
                                   "timeouts.grace (30s)")));
    EXPECT_THAT(warnings(with_backend("timeouts: {grace: 20s}\n")),
                Contains(HasSubstr("headroom.yaml:1:19: warning: timeouts.drain (25s) is not shorter")));
    EXPECT_THAT(lines(with_backend("timeouts: {drain: 240s, grace: 270s}\n")), IsEmpty());
    EXPECT_THAT(warnings(with_backend("timeouts: {drain: 240s, grace: 240s}\n")),
                Contains(HasSubstr("timeouts.grace")));
}

TEST_F(Verified, CertificateAndKeyMustBelongTogether) {
    const auto pair = testing::make_pem_pair(-1, 24);
    const auto other = testing::make_pem_pair(-1, 24);
    folder_.write("c.pem", pair.certificate);
    folder_.write("k.pem", pair.key);
    const auto fine = with_backend(tls_yaml());
    EXPECT_THAT(lines(fine), IsEmpty());
    EXPECT_EQ(fine.config.tls.certificate_file, folder_.path() + "/c.pem");
    EXPECT_TRUE(fine.config.tls.enabled());
    folder_.write("k.pem", other.key);
    EXPECT_THAT(
        mistakes(with_backend(tls_yaml())),
        ElementsAre(
            "headroom.yaml:1:25: mistake: tls: the key in `k.pem` does not belong to the first certificate "
            "in `c.pem`"));
}

TEST_F(Verified, CertificateFilesMustBeUsable) {
    const auto pair = testing::make_pem_pair(-1, 24, "secret");
    EXPECT_THAT(mistakes(with_backend(tls_yaml())),
                ElementsAre("headroom.yaml:1:25: mistake: tls: the file `c.pem` does not exist"));
    folder_.write("c.pem", "nothing");
    EXPECT_THAT(mistakes(with_backend(tls_yaml())), ElementsAre(HasSubstr("`c.pem` has no PEM certificate")));
    folder_.write("c.pem", pair.certificate);
    EXPECT_THAT(mistakes(with_backend(tls_yaml())),
                ElementsAre(HasSubstr("the file `k.pem` does not exist")));
    folder_.write("k.pem", pair.certificate);
    EXPECT_THAT(mistakes(with_backend(tls_yaml())), ElementsAre(HasSubstr("`k.pem` has no PEM private key")));
    folder_.write("k.pem", pair.key);
    EXPECT_THAT(mistakes(with_backend(tls_yaml())),
                ElementsAre(HasSubstr("the key in `k.pem` is encrypted")));
    EXPECT_THAT(mistakes(with_backend("tls: {certificate_file: c.pem}\n")),
                ElementsAre("headroom.yaml:1:25: mistake: tls.certificate_file is set, tls.key_file is not"));
    EXPECT_THAT(mistakes(with_backend("tls: {key_file: .}\n")),
                ElementsAre("headroom.yaml:1:17: mistake: tls.key_file is set, tls.certificate_file is not"));
}

TEST_F(Verified, CertificatesOutOfTheirTimeAreWarnings) {
    const auto expired = testing::make_pem_pair(-48, -24);
    folder_.write("c.pem", expired.certificate);
    folder_.write("k.pem", expired.key);
    EXPECT_THAT(lines(with_backend(tls_yaml())),
                ElementsAre("headroom.yaml:1:25: warning: tls: the certificate in `c.pem` has expired"));
    const auto future = testing::make_pem_pair(24, 48);
    folder_.write("c.pem", future.certificate);
    folder_.write("k.pem", future.key);
    EXPECT_THAT(lines(with_backend(tls_yaml())),
                ElementsAre(HasSubstr("the certificate in `c.pem` is not valid yet")));
}

TEST_F(Verified, CaFileOfABackendMustHoldACertificate) {
    const std::string yaml = "backends: [{url: 'https://a.example', api_key: k, tls: {ca_file: ca.pem}}]\n";
    EXPECT_THAT(mistakes(load(yaml)),
                ElementsAre("headroom.yaml:1:66: mistake: tls.ca_file: the file `ca.pem` does not exist"));
    folder_.write("ca.pem", testing::make_pem_pair(-1, 24).certificate);
    EXPECT_THAT(lines(load(yaml)), IsEmpty());
}

TEST_F(Verified, CredentialsInTheClearAreWarnings) {
    const auto about = [&](const std::string& url, const std::string& rest) {
        return warnings(load("backends: [{url: '" + url + "'" + rest + "}]\n"));
    };
    EXPECT_THAT(
        about("http://gw.example", ", api_key: k"),
        ElementsAre("headroom.yaml:1:18: warning: backend `backend1`: its credential travels unencrypted to "
                    "`gw.example`; use https"));
    EXPECT_THAT(about("http://127.0.0.1:1", ", api_key: k"), IsEmpty());
    EXPECT_THAT(about("http://gw.example", ", auth: none"), IsEmpty());
    EXPECT_THAT(about("https://gw.example", ", api_key: k, tls: {verify: false}"),
                ElementsAre(HasSubstr("its certificate is not verified")));
    EXPECT_THAT(
        about("http://127.0.0.1:1", ", api_key: k, tls: {verify: true, server_name: x}"),
        ElementsAre(HasSubstr("tls.verify has no effect"), HasSubstr("tls.server_name has no effect")));
    EXPECT_THAT(about("https://gw.example", ", api_key: '<your key>'"), IsEmpty())
        << "has a blank, so is a mistake";
    EXPECT_THAT(about("https://gw.example", ", api_key: '<your-key>'"),
                ElementsAre("headroom.yaml:1:49: warning: api_key: the key looks like a placeholder"));
}

TEST_F(Verified, FailoverThatLooksLikeBalancingIsAWarning) {
    const auto two = [&](const std::string& first, const std::string& second) {
        return warnings(
            load("backends:\n"
                 "  - {name: a, url: 'https://a.example', api_key: k" +
                 first +
                 "}\n"
                 "  - {name: b, url: 'https://b.example', api_key: k" +
                 second + "}\n"));
    };
    EXPECT_THAT(
        two(", tpm: 1, priority: 1", ", tpm: 1, priority: 2"),
        ElementsAre(HasSubstr("every backend has a priority of its own: this is failover, not balancing")));
    EXPECT_THAT(two(", tpm: 1", ", tpm: 1"), IsEmpty());
    EXPECT_THAT(two(", deployments: {d: {tpm: 1}}", ""),
                ElementsAre(HasSubstr("no tpm for b: the quota is learnt")));
}

TEST_F(Verified, OneQuotaUnderTwoNamesIsAWarning) {
    const auto loaded = load(
        "backends:\n"
        "  - {name: a, url: 'https://a.example', api_key: k, tpm: 1}\n"
        "  - {name: b, url: 'https://a.example/', api_key: k, tpm: 1}\n"
        "  - {name: c, url: 'https://a.example', api_key: k, tpm: 1, deployment: d}\n");
    EXPECT_THAT(warnings(loaded),
                ElementsAre("headroom.yaml:3:20: warning: backends `a` and `b` have the same URL, "
                            "deployment and key, so one quota is counted twice"));
}

TEST_F(Verified, IdentityWithoutItsHeaderIsAWarning) {
    EXPECT_THAT(
        warnings(
            load_environment({{"BACKEND_1_URL", "https://a.example"}, {"IDENTITY_ENDPOINT", "http://x/"}})),
        ElementsAre(
            "IDENTITY_ENDPOINT: warning: IDENTITY_HEADER is not set; Azure refuses requests for a token "
            "without it"));
}

} // namespace
} // namespace headroom::core
