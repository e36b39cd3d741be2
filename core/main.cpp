// headroom: the proxy. Reads the configuration, picks the I/O backend, starts the shards and the control
// thread. Linked in two flavours from this one file: headroom (io_uring) and headroom-epoll.
#include "core/check.hpp"
#include "core/control/control.hpp"
#include "core/cpu_quota.hpp"
#include "core/io_choice.hpp"
#include "core/options.hpp"
#include "core/replay_command.hpp"
#include "core/server.hpp"
#include "core/tokens_command.hpp"
#include "net/loop.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <span>
#include <string>

namespace {

using namespace headroom;

/// Every connection is a descriptor: take as many as the machine allows.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::string listening_line(const core::Server& server, const core::Control& control, unsigned workers) {
    std::string line = "Headroom " HEADROOM_VERSION " listens on ";
    const std::string scheme = server.config().tls.enabled() ? "https://" : "http://";
    for (std::size_t i = 0; i < server.listening().size(); ++i) {
        line += (i > 0 ? ", " : "") + scheme + server.listening()[i].text();
    }
    return line + fmt::format(", admin on http://{}; {} backend(s), {} worker(s), {}\n",
                              control.listening().text(), server.config().backends.size(), workers,
                              net::Loop::name());
}

int serve(const core::Loaded& loaded) {
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    const core::Config& config = loaded.config;
    const unsigned workers = config.workers != 0 ? config.workers : core::usable_cpus();
    core::LogPump log(STDOUT_FILENO, workers + 1);
    core::Server server(config, log, workers, core::first_snapshot(config, log, workers));
    core::Control control(server, log, workers);
    server.start();
    log.write(workers, core::process_line(config, listening_line(server, control, workers)));
    control.run();
    server.join();
    return 0;
}

int run(std::span<const char* const> arguments) {
    const core::Parsed parsed = core::parse_options(arguments.subspan(1));
    if (!parsed.ok()) {
        std::cerr << parsed.error << '\n';
        return 2;
    }
    const core::Environment environment = core::Environment::of_process(environ);
    switch (parsed.options.command) {
        case core::Command::help: std::cout << core::help_text(); return 0;
        case core::Command::settings: core::print_settings(std::cout); return 0;
        case core::Command::version:
            std::cout << "headroom " HEADROOM_VERSION " (" HEADROOM_IO_NAME ")\n";
            return 0;
        case core::Command::check: return core::run_check(parsed.options, environment, std::cout, std::cerr);
        case core::Command::tokens: return core::run_tokens(parsed.options, std::cin, std::cout, std::cerr);
        case core::Command::replay: return core::run_replay(parsed.options, std::cin, std::cout, std::cerr);
        case core::Command::serve: break;
    }
    const core::Loaded loaded = core::load_config(parsed.options, environment);
    core::print_findings(loaded.findings, std::cerr);
    if (!loaded.ok()) return 2;
    if (const int refused = core::settle_io(loaded.config.io, arguments); refused != 0) return refused;
    return serve(loaded);
}

} // namespace

int main(int count, char** values) {
    try {
        return run(std::span<const char* const>(values, static_cast<std::size_t>(count)));
    } catch (const std::exception& failure) {
        std::cerr << "headroom: " << failure.what() << '\n';
        return 2;
    }
}
