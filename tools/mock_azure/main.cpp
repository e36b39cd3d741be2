// mock_azure: starts the backends, says where they are, and waits for a signal.
#include "tools/mock_azure/options.hpp"
#include "tools/mock_azure/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int count, char** values) {
    using namespace headroom::mock;
    const OptionsOrError read = read_options(std::vector<std::string>(values + 1, values + count));
    if (read.error) {
        std::fprintf(stderr, "mock_azure: %s\n", read.error->c_str());
        return 2;
    }
    if (read.options.help) {
        std::fputs(help_text().c_str(), stdout);
        return 0;
    }
    try {
        // Before the first line is printed: who reads "ready" may send a signal at once.
        boost::asio::io_context context;
        boost::asio::signal_set signals(context, SIGTERM, SIGINT);
        signals.async_wait([](const boost::system::error_code&, int) {});
        Server server(read.options);
        server.start();
        std::fputs(server.announcement().c_str(), stdout);
        std::fflush(stdout);
        context.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mock_azure: %s\n", error.what());
        return 2;
    }
    return 0;
}
