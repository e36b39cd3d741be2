// The command line: what is understood, and one helpful line for what is not.
#include "core/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace headroom::core {
namespace {

using ::testing::HasSubstr;

Parsed parse(std::vector<const char*> arguments) {
    return parse_options(arguments);
}

TEST(CommandLine, ServesUnlessToldOtherwise) {
    EXPECT_EQ(parse({}).options.command, Command::serve);
    EXPECT_EQ(parse({"serve"}).options.command, Command::serve);
    EXPECT_EQ(parse({"check"}).options.command, Command::check);
    EXPECT_EQ(parse({"help"}).options.command, Command::help);
    EXPECT_EQ(parse({"help", "settings"}).options.command, Command::settings);
    EXPECT_EQ(parse({"version"}).options.command, Command::version);
}

TEST(CommandLine, HelpAndVersionWinOverMistakes) {
    for (const auto* flag : {"--help", "-h"}) {
        const auto parsed = parse({"check", "--workers", "x", flag, "--nonsense"});
        EXPECT_TRUE(parsed.ok());
        EXPECT_EQ(parsed.options.command, Command::help);
    }
    EXPECT_EQ(parse({"-V"}).options.command, Command::version);
    EXPECT_EQ(parse({"--version"}).options.command, Command::version);
}

TEST(CommandLine, CollectsFlagsInBothSpellings) {
    const auto parsed =
        parse({"--config=a.yaml", "--listen", ":1", "--listen=[::1]:2", "--workers", "4", "check", "--json"});
    ASSERT_EQ(parsed.error, "");
    EXPECT_EQ(parsed.options.command, Command::check);
    EXPECT_EQ(parsed.options.config_file, "a.yaml");
    EXPECT_TRUE(parsed.options.json);
    ASSERT_EQ(parsed.options.flags.size(), 3U);
    EXPECT_EQ(parsed.options.flags[0].key, "listen");
    EXPECT_EQ(parsed.options.flags[1].flag, "--listen");
    EXPECT_EQ(parsed.options.flags[1].text, "[::1]:2");
    EXPECT_EQ(parsed.options.flags[2].key, "workers");
    EXPECT_EQ(parse({"-c", "b.yaml"}).options.config_file, "b.yaml");
}

TEST(CommandLine, ExplainsWhatItDoesNotUnderstand) {
    const std::pair<std::vector<const char*>, const char*> cases[] = {
        {{"--listn", ":1"},
         "unknown option `--listn`; did you mean `--listen`? (headroom --help shows what there is)"},
        {{"--worker=3"}, "unknown option `--worker`; did you mean `--workers`?"},
        {{"-x"}, "unknown option `-x`"},
        {{"--colour"}, "unknown option `--colour` (headroom --help shows what there is)"},
        {{"chek"}, "unknown command `chek`; did you mean `check`?"},
        {{"headroom.yaml"}, "unexpected argument `headroom.yaml`; did you mean `--config headroom.yaml`?"},
        {{"check", "it"}, "unexpected argument `it`"},
        {{"help", "me"}, "unexpected argument `me`"},
        {{""}, "unknown command ``"},
        {{"-"}, "unknown command `-`"},
        {{"--workers"}, "--workers needs a value, such as --workers 3"},
        {{"--workers", "--io", "epoll"}, "--workers needs a value, such as --workers 3"},
        {{"--workers="}, "--workers needs a value"},
        {{"--config"}, "--config needs a value, such as --config headroom.yaml"},
        {{"--config", "a", "--config", "b"}, "--config is given twice"},
        {{"--io", "epoll", "--io=uring"}, "--io is given twice"},
        {{"--json"},
         "--json belongs to headroom check and headroom tokens; for log lines in JSON use --log json"},
        {{"--model", "gpt-4o"}, "--model belongs to headroom tokens"},
        {{"tokens"}, "headroom tokens needs a file, or - for standard input"},
        {{"tokens", "--json"}, "headroom tokens needs a file"},
        {{"tokens", "a", "b"}, "unexpected argument `b`"},
        {{"tokens", "a", "--workers", "2"}, "headroom tokens reads no configuration"},
        {{"check", "--json=1"}, "--json takes no value"},
        {{"a\nb"}, "unknown command `a\\x0ab`"},
    };
    for (const auto& [arguments, error] : cases) {
        const auto parsed = parse(arguments);
        EXPECT_FALSE(parsed.ok());
        EXPECT_THAT(parsed.error, HasSubstr(error));
        EXPECT_EQ(parsed.error.find('\n'), std::string::npos);
    }
}

TEST(CommandLine, StopsAtTheFirstMistake) {
    EXPECT_THAT(parse({"--a", "--b"}).error, HasSubstr("`--a`"));
}

TEST(Help, TeachesEveryFlagAndFitsTheTerminal) {
    const auto text = help_text();
    for (const auto* part :
         {"Usage:", "headroom check", "headroom help settings", "--config FILE", "--listen ADDRESS:PORT",
          "--admin", "--io", "--workers N", "--log ", "--log-level", "--json", "--version",
          "Examples:", "BACKEND_1_URL=", "default 0.0.0.0:8080", "Exit status"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_TRUE(text.ends_with('\n'));
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        EXPECT_LE(end - from, 120U) << text.substr(from, end - from);
        from = end + 1;
    }
}

} // namespace
} // namespace headroom::core
