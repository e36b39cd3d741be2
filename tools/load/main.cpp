// load: sends HTTP/1.1 requests at a fixed rate or as fast as they are answered, and measures the answers.
#include "tools/load/options.hpp"
#include "tools/load/report.hpp"
#include "tools/load/run.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <span>

namespace {

int run(std::span<const char* const> arguments) {
    using namespace headroom::load;
    const Options options = parse_options(arguments);
    if (options.help) {
        fmt::print("{}", help_text());
        return 0;
    }
    const Outcome outcome = run_load(options);
    fmt::print("{}", options.json ? json(options, outcome) : table(options, outcome));
    if (outcome.interrupted) return 130;
    return failures_of(outcome) > 0 && !options.allow_errors ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(std::span<const char* const>{argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
    } catch (const std::exception& error) {
        fmt::print(stderr, "load: {}\n", error.what());
        return 2;
    }
}
