// Resolver: turns the backends' host names into addresses, at start-up and again from time to time.
// A name that stops resolving keeps its last addresses: a DNS outage must not take a working backend away.
#pragma once

#include "core/config.hpp"
#include "net/endpoint.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace headroom::core {

/// Blocking, for start-up; empty with the reason in `failure` when the name does not resolve.
[[nodiscard]] std::vector<net::Endpoint> resolve_now(const BackendUrl& url, std::string& failure);

class Resolver {
  public:
    /// The addresses of backend `index` have changed.
    using Changed = std::function<void(std::size_t index, std::vector<net::Endpoint> endpoints)>;
    /// Says one line, for the log.
    using Say = std::function<void(std::string line)>;

    Resolver(boost::asio::io_context& context, const Config& config, Changed changed, Say say);

    /// Begins to ask in turns; `known` are the addresses in use, by backend.
    void start(std::vector<std::vector<net::Endpoint>> known);
    void stop();

  private:
    void wait();
    void ask(std::size_t index);
    void take(std::size_t index, std::vector<net::Endpoint> endpoints);

    const Config& config_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::steady_timer timer_;
    Changed changed_;
    Say say_;
    std::vector<std::vector<net::Endpoint>> known_;
    std::vector<bool> failing_;
    bool stopped_ = false;
};

} // namespace headroom::core
