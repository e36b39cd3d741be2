// What the file can say wrongly, and the exact words about it.
#include "core/config/from_file.hpp"

#include "core/limits.hpp"
#include "tests/core/config/loading.hpp"
#include "tests/core/config/pem_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigFile : public testing::Loading {
  protected:
    /// The mistakes of these lines beside one proper backend.
    std::vector<std::string> with_backend(const std::string& yaml) {
        return mistakes(load(yaml, {{"BACKEND_1_URL", "https://a.example"}, {"BACKEND_1_APIKEY", "k"}}));
    }
    /// The mistakes of these lines (each behind four blanks) inside one backend.
    std::vector<std::string> in_backend(const std::string& lines) {
        return mistakes(load("backends:\n  - url: https://a.example\n" + lines));
    }
};

TEST_F(ConfigFile, ReportsEveryMistakeWithItsPlaceInTheOrderOfTheLines) {
    const auto loaded = load(
        "workers: many\n"
        "timeouts:\n"
        "  idel: 3\n"
        "  head: soon\n"
        "backends:\n"
        "  - name: one\n"
        "    url: ftp://a.example\n"
        "    prority: 1\n"
        "  - name: ONE\n"
        "    url: https://b.example\n"
        "    url: https://c.example\n"
        "    api_key: k\n");
    EXPECT_FALSE(loaded.ok());
    EXPECT_THAT(
        mistakes(loaded),
        ElementsAre(
            "headroom.yaml:1:10: mistake: workers: expected a whole number from 1 to 256, or auto, found "
            "`many`",
            "headroom.yaml:3:3: mistake: unknown key `idel`; did you mean `idle`?",
            "headroom.yaml:4:9: mistake: timeouts.head: expected a duration from 1ms to 24h, such as "
            "30s, 250ms or 2m (a plain number is seconds), found `soon`",
            "headroom.yaml:7:10: mistake: url: the scheme `ftp` is not supported; expected https or http",
            "headroom.yaml:8:5: mistake: unknown key `prority`; did you mean `priority`?",
            "headroom.yaml:9:11: mistake: the names `one` and `ONE` differ only in case, '-' or '_'",
            "headroom.yaml:11:5: mistake: `url` is given twice in this mapping; the first is in line "
            "10"));
}

TEST_F(ConfigFile, TakesADottedAndANestedKeyForTheSame) {
    EXPECT_THAT(
        with_backend("timeouts.idle: 3s\ntimeouts:\n  idle: 4s\n"),
        ElementsAre("headroom.yaml:3:3: mistake: timeouts.idle is given twice; first at headroom.yaml:1:16"));
}

TEST_F(ConfigFile, SuggestsWhereAKeyBelongs) {
    EXPECT_THAT(with_backend("idle: 3s\n"),
                ElementsAre("headroom.yaml:1:1: mistake: unknown key `idle`; did you mean `timeouts.idle`?"));
    EXPECT_THAT(
        with_backend("log_level: info\n"),
        ElementsAre("headroom.yaml:1:1: mistake: unknown key `log_level`; did you mean `log.level`?"));
    EXPECT_THAT(with_backend("backend: []\n"),
                ElementsAre("headroom.yaml:1:1: mistake: unknown key `backend`; did you mean `backends`?"));
    EXPECT_THAT(
        in_backend("    tls_verify: no\n"),
        ElementsAre("headroom.yaml:3:5: mistake: unknown key `tls_verify`; did you mean `tls.verify`?"));
    EXPECT_THAT(with_backend("log:\n  colour: blue\n"),
                ElementsAre("headroom.yaml:2:3: mistake: unknown key `colour`; expected format or level"));
    EXPECT_THAT(in_backend("    deployments:\n      d: {tmp: 3}\n"),
                ElementsAre("headroom.yaml:4:11: mistake: unknown key `tmp`; did you mean `tpm`?"));
    EXPECT_THAT(with_backend("'': 1\n"),
                ElementsAre(HasSubstr("headroom.yaml:1:1: mistake: unknown key ``; expected ")));
    EXPECT_THAT(with_backend("timeouts.idle: 1\n"), IsEmpty()); // the dotted spelling is the same key
}

TEST_F(ConfigFile, RefusesValuesOfTheWrongKind) {
    EXPECT_THAT(
        with_backend("log: json\n"),
        ElementsAre(
            "headroom.yaml:1:6: mistake: log: expected a mapping with format or level, found a text"));
    EXPECT_THAT(with_backend("workers: [1]\n"),
                ElementsAre("headroom.yaml:1:10: mistake: workers: expected number or auto, found a list"));
    EXPECT_THAT(
        with_backend("io: {a: b}\n"),
        ElementsAre("headroom.yaml:1:5: mistake: io: expected auto, uring or epoll, found a mapping"));
    EXPECT_THAT(with_backend("workers:\n"),
                ElementsAre("headroom.yaml:1:1: mistake: workers: no value is given; expected "
                            "number or auto, or no such line"));
    EXPECT_THAT(with_backend("listen: []\n"),
                ElementsAre("headroom.yaml:1:9: mistake: listen: the list is empty"));
    EXPECT_THAT(
        with_backend("listen: [[a]]\n"),
        ElementsAre(
            "headroom.yaml:1:10: mistake: listen: expected address:port, several allowed, found a list"));
    EXPECT_THAT(
        with_backend("io: io_uring\n"),
        ElementsAre("headroom.yaml:1:5: mistake: io: expected auto, uring or epoll, found `io_uring`"));
    EXPECT_THAT(with_backend("- a\n"),
                ElementsAre("headroom.yaml:1:1: mistake: expected a mapping of settings, found a "
                            "list"));
    EXPECT_THAT(
        with_backend("backends: {}\n"),
        ElementsAre(
            "headroom.yaml:1:11: mistake: backends: expected a list, one `- url: ...` per backend, found "
            "a mapping"));
    EXPECT_THAT(
        with_backend("backends:\n  - https://a.example\n"),
        ElementsAre(
            "headroom.yaml:2:5: mistake: backends: expected a mapping with at least `url`, found a text"));
    EXPECT_THAT(
        in_backend("    tls: {verify: maybe}\n"),
        ElementsAre("headroom.yaml:3:19: mistake: tls.verify: expected true or false, found `maybe`"));
    EXPECT_THAT(
        in_backend("    deployments:\n      d: [x]\n"),
        ElementsAre(
            "headroom.yaml:4:10: mistake: deployments: expected the backend's name for `d` or a mapping "
            "with name, tpm and rpm, found a list"));
}

TEST_F(ConfigFile, RefusesNumbersOutOfRange) {
    EXPECT_THAT(with_backend("workers: 257\n"),
                ElementsAre(HasSubstr("from 1 to 256, or auto, found `257`")));
    EXPECT_THAT(with_backend("workers: -1\n"), ElementsAre(HasSubstr("found `-1`")));
    EXPECT_THAT(with_backend("workers: 99999999999999999999\n"), ElementsAre(HasSubstr("from 1 to 256")));
    EXPECT_THAT(
        with_backend("limits: {head_bytes_max: 1KiB}\n"),
        ElementsAre(HasSubstr("expected a size from 4KiB to 1MiB, such as 64KiB or 32MiB, found `1KiB`")));
    EXPECT_THAT(with_backend("timeouts: {idle: 0}\n"),
                ElementsAre(HasSubstr("expected a duration from 1ms to 24h")));
    EXPECT_THAT(with_backend("timeouts: {idle: 25h}\n"),
                ElementsAre(HasSubstr("expected a duration from 1ms to 24h")));
    EXPECT_THAT(with_backend("hold: {time_max: 0, bytes_max: 0}\n"), IsEmpty());
    EXPECT_THAT(in_backend("    tpm: 0\n"), ElementsAre(HasSubstr("such as 30000 or 30K, found `0`")));
    EXPECT_THAT(in_backend("    weight: 0\n"), ElementsAre(HasSubstr("from 1 to 1000, found `0`")));
}

TEST_F(ConfigFile, ReadsDeploymentsInEveryForm) {
    const auto loaded = load(
        "backends:\n"
        "  - url: https://a.openai.azure.com\n"
        "    tpm: 30K\n"
        "    deployments:\n"
        "      mini: {name: mini-2, tpm: 1M, rpm: 600}\n"
        "      gpt-4o: gpt-4o-eu\n"
        "      listed:\n"
        "  - url: https://b.openai.azure.com\n"
        "    deployments: [x=y, z]\n");
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    const auto& first = loaded.config.backends.at(0);
    EXPECT_EQ(first.name, "backend1");
    EXPECT_EQ(first.tokens_per_minute, 30'000U);
    ASSERT_EQ(first.deployments.size(), 3U);
    EXPECT_EQ(first.deployments[0].client_name, "gpt-4o"); // sorted
    ASSERT_NE(first.find_deployment("mini"), nullptr);
    EXPECT_EQ(first.find_deployment("mini")->upstream_name, "mini-2");
    EXPECT_EQ(first.find_deployment("mini")->tokens_per_minute, 1'000'000U);
    EXPECT_EQ(first.find_deployment("mini")->requests_per_minute, 600U);
    EXPECT_EQ(first.find_deployment("listed")->upstream_name, "listed");
    EXPECT_EQ(first.find_deployment("min"), nullptr);
    const auto& second = loaded.config.backends.at(1);
    EXPECT_EQ(second.find_deployment("x")->upstream_name, "y");
    EXPECT_EQ(second.find_deployment("z")->upstream_name, "z");
}

TEST_F(ConfigFile, RefusesNamesThatCannotBeSent) {
    EXPECT_THAT(in_backend("    deployment: 'a b'\n"),
                ElementsAre(HasSubstr("deployment: expected a deployment name")));
    EXPECT_THAT(in_backend("    deployment: \"a\\r\\nX: y\"\n"),
                ElementsAre(HasSubstr("found `a\\x0d\\x0aX: y`")));
    EXPECT_THAT(in_backend("    deployments: {'a?b': c}\n"),
                ElementsAre("headroom.yaml:3:19: mistake: deployments: `a?b` is not a deployment name"));
    EXPECT_THAT(in_backend("    name: 'my backend'\n"),
                ElementsAre(HasSubstr("expected a name of 1 to 64 letters")));
    EXPECT_THAT(in_backend("    api_version: '2024&x=1'\n"), ElementsAre(HasSubstr("expected a name")));
    EXPECT_THAT(in_backend("    deployments: a=b,a=c\n"), ElementsAre(HasSubstr("`a` is given twice")));
    EXPECT_THAT(
        in_backend("    deployments: 'a=b=c'\n"),
        ElementsAre(HasSubstr("expected client's name=backend's name, such as gpt-4o=gpt-4o-eastus, found "
                              "`a=b=c`")));
}

TEST_F(ConfigFile, TakesKeysFromWhereTheyAreKept) {
    folder_.write("keys/two", "file-key\n");
    const auto loaded = load(
        "backends:\n"
        "  - {url: 'https://a.example', api_key_env: KEY_ONE}\n"
        "  - {url: 'https://b.example', api_key_file: keys/two}\n"
        "  - {url: 'https://c.example', api_key: ' plain '}\n",
        {{"KEY_ONE", " env-key \n"}});
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    ASSERT_EQ(loaded.config.backends.size(), 3U);
    EXPECT_EQ(loaded.config.backends[0].api_key.reveal(), "env-key");
    EXPECT_EQ(loaded.config.backends[1].api_key.reveal(), "file-key");
    EXPECT_EQ(loaded.config.backends[2].api_key.reveal(), "plain");
}

TEST_F(ConfigFile, RefusesKeysThatCannotBeUsed) {
    EXPECT_THAT(
        in_backend("    api_key_env: NOT_THERE\n"),
        ElementsAre(
            "headroom.yaml:3:18: mistake: api_key_env: the environment variable `NOT_THERE` is not set"));
    EXPECT_THAT(in_backend("    api_key_file: not/there\n"),
                ElementsAre(HasSubstr("headroom.yaml:3:19: mistake: api_key_file: cannot read the file")));
    EXPECT_THAT(in_backend("    api_key_file: .\n"), ElementsAre(HasSubstr("cannot read the file")));
    folder_.write("empty", "\n");
    EXPECT_THAT(in_backend("    api_key_file: empty\n"), ElementsAre(HasSubstr("is empty")));
    folder_.write("lines", "sesame\r\nopen: 1");
    EXPECT_THAT(in_backend("    api_key_file: lines\n"),
                ElementsAre(HasSubstr("has a blank, line break or other")));
    folder_.write("long", std::string(limits::secret_bytes_max + 1, 'x'));
    EXPECT_THAT(in_backend("    api_key_file: long\n"),
                ElementsAre(HasSubstr("is longer than 16384 characters")));
    EXPECT_THAT(
        in_backend("    api_key: a\n    api_key_env: B\n"),
        ElementsAre("headroom.yaml:2:5: mistake: expected only one of api_key, api_key_env and api_key_file",
                    HasSubstr("`B` is not set")));
    EXPECT_THAT(
        in_backend("    api_key: \"open sesame\"\n"),
        ElementsAre(
            "headroom.yaml:3:14: mistake: api_key: the key has a blank, line break or other character "
            "that no key has"));
}

TEST_F(ConfigFile, IsNamedWhenItCannotBeRead) {
    Options options;
    options.config_file = folder_.path() + "/none.yaml";
    EXPECT_THAT(
        mistakes(load_config(options, Environment{})),
        ElementsAre("--config: mistake: cannot read the configuration file `none.yaml`: it does not exist"));
    options.config_file = folder_.path();
    EXPECT_THAT(mistakes(load_config(options, Environment{})), ElementsAre(HasSubstr(": it is a folder")));
    EXPECT_THAT(
        mistakes(load_config(Options{}, Environment{{{"HEADROOM_CONFIG", folder_.path() + "/x"}}})),
        ElementsAre("HEADROOM_CONFIG: mistake: cannot read the configuration file `x`: it does not exist"));
    options.config_file = "/dev/zero"; // never ends
    EXPECT_THAT(mistakes(load_config(options, Environment{})),
                ElementsAre(HasSubstr("the file is larger than")));
}

TEST_F(ConfigFile, IsFoundByItsVariable) {
    const auto file = folder_.write("a.yaml", "backends: [{url: 'https://a.example', api_key: k}]\n");
    const auto other = folder_.write("b.yaml", "backends: [{url: 'https://b.example', api_key: k}]\n");
    const Environment environment{{{"HEADROOM_CONFIG", file}}};
    EXPECT_EQ(load_config(Options{}, environment).config.backends.at(0).url.host, "a.example");
    Options options;
    options.config_file = other;
    const auto loaded = load_config(options, environment);
    EXPECT_EQ(loaded.config.backends.at(0).url.host, "b.example");
    EXPECT_EQ(loaded.config_file, other);
}

TEST_F(ConfigFile, HasBoundsOnEverythingItLists) {
    std::string yaml = "backends:\n";
    for (std::size_t i = 0; i <= limits::backends_max; ++i)
        yaml += "  - {url: 'https://a.example', api_key: k" + std::to_string(i) + "}\n";
    auto loaded = load(yaml);
    EXPECT_THAT(mistakes(loaded), ElementsAre("headroom.yaml:66:5: mistake: backends: at most 64 backends"));
    EXPECT_EQ(loaded.config.backends.size(), limits::backends_max);
    yaml = "backends:\n  - url: https://a.example\n    deployments:\n";
    for (std::size_t i = 0; i <= limits::deployments_per_backend_max; ++i)
        yaml += "      d" + std::to_string(i) + ":\n";
    EXPECT_THAT(mistakes(load(yaml)), ElementsAre(HasSubstr("deployments: at most 256 deployments")));
    yaml.clear();
    for (int i = 0; i < 500; ++i)
        yaml += "k" + std::to_string(i) + ": 1\n";
    loaded = load(yaml);
    EXPECT_EQ(loaded.findings.all().size(), limits::config_findings_max);
    EXPECT_EQ(loaded.findings.mistakes(), 500U);
    EXPECT_EQ(loaded.findings.dropped(), 400U);
}

TEST_F(ConfigFile, OfEveryExampleIsFine) {
    const auto pair = testing::make_pem_pair(-1, 24);
    folder_.write("tls.crt", pair.certificate);
    folder_.write("tls.key", pair.key);
    folder_.write("ca.pem", pair.certificate);
    folder_.write("inside.key", "k");
    int examples = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(testing::source_folder() / "docs/examples")) {
        SCOPED_TRACE(entry.path().string());
        if (entry.is_directory()) continue;
        ++examples;
        const auto file = std::filesystem::path{folder_.path()} / entry.path().filename();
        std::filesystem::copy_file(entry.path(), file);
        Options options;
        options.config_file = file.string();
        testing::Variables variables;
        for (const auto* name :
             {"OPENAI1_KEY", "OPENAI2_KEY", "OPENAI3_KEY", "PTU_KEY", "EU_KEY", "US_KEY", "OPENAI_KEY"})
            variables.emplace_back(name, "k");
        const auto loaded = load_config(options, Environment{variables});
        EXPECT_THAT(lines(loaded), IsEmpty());
        EXPECT_FALSE(loaded.config.backends.empty());
    }
    EXPECT_GE(examples, 3);
}

} // namespace
} // namespace headroom::core
