// Name resolution on the control thread.
#include "core/control/resolver.hpp"

#include <fmt/format.h>

#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace headroom::core {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// getaddrinfo does not tell a record's lifetime; Azure's are 30 to 60 seconds.
constexpr std::chrono::seconds every{30};
constexpr std::chrono::seconds every_while_failing{2};

/// IPv4 first: containers often have no IPv6 route although names have both; the pool tries the next one in
/// any case.
void order(std::vector<net::Endpoint>& endpoints) {
    std::vector<net::Endpoint> ordered;
    for (const bool v4 : {true, false}) {
        for (const net::Endpoint& one : endpoints) {
            if ((one.family() == AF_INET) == v4) ordered.push_back(one);
        }
    }
    endpoints = std::move(ordered);
}

bool same_set(const std::vector<net::Endpoint>& a, const std::vector<net::Endpoint>& b) {
    return a.size() == b.size() && std::ranges::all_of(a, [&](const net::Endpoint& one) {
               return std::ranges::find(b, one) != b.end();
           });
}

} // namespace

std::vector<net::Endpoint> resolve_now(const BackendUrl& url, std::string& failure) {
    if (const auto literal = net::Endpoint::parse(url.host, url.port)) return {*literal};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(url.host.c_str(), nullptr, &hints, &found); error != 0) {
        failure = gai_strerror(error);
        return {};
    }
    std::vector<net::Endpoint> endpoints;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        if (auto endpoint = net::Endpoint::from_sockaddr(one->ai_addr, one->ai_addrlen)) {
            endpoint->set_port(url.port);
            endpoints.push_back(*endpoint);
        }
    }
    freeaddrinfo(found);
    order(endpoints);
    return endpoints;
}

Resolver::Resolver(asio::io_context& context, const Config& config, Changed changed, Say say)
    : config_(config),
      resolver_(context),
      timer_(context),
      changed_(std::move(changed)),
      say_(std::move(say)),
      failing_(config.backends.size(), false) {}

void Resolver::start(std::vector<std::vector<net::Endpoint>> known) {
    known_ = std::move(known);
    for (std::size_t i = 0; i < known_.size(); ++i)
        failing_[i] = known_[i].empty();
    wait();
}

void Resolver::stop() {
    stopped_ = true;
    timer_.cancel();
    resolver_.cancel();
}

void Resolver::wait() {
    const bool failing = std::ranges::find(failing_, true) != failing_.end();
    timer_.expires_after(failing ? every_while_failing : every);
    timer_.async_wait([this](boost::system::error_code ended) {
        if (ended || stopped_) return;
        for (std::size_t i = 0; i < config_.backends.size(); ++i)
            ask(i);
        wait();
    });
}

void Resolver::ask(std::size_t index) {
    const BackendUrl& url = config_.backends[index].url;
    if (net::Endpoint::parse(url.host, url.port)) return; // an address stays what it is
    resolver_.async_resolve(
        url.host, "", [this, index](boost::system::error_code failure, const auto& results) {
            if (stopped_) return;
            const BackendConfig& backend = config_.backends[index];
            if (failure) {
                if (!failing_[index])
                    say_(fmt::format("Cannot resolve {}: {}\n", backend.url.host, failure.message()));
                failing_[index] = true;
                return;
            }
            std::vector<net::Endpoint> endpoints;
            for (const auto& entry : results) {
                const auto address = entry.endpoint();
                auto endpoint =
                    net::Endpoint::from_sockaddr(address.data(), static_cast<socklen_t>(address.size()));
                if (!endpoint) continue;
                endpoint->set_port(backend.url.port);
                if (std::ranges::find(endpoints, *endpoint) == endpoints.end())
                    endpoints.push_back(*endpoint);
            }
            take(index, std::move(endpoints));
        });
}

void Resolver::take(std::size_t index, std::vector<net::Endpoint> endpoints) {
    if (endpoints.empty()) return;
    if (failing_[index]) say_(fmt::format("{} resolves again\n", config_.backends[index].url.host));
    failing_[index] = false;
    order(endpoints);
    if (same_set(known_[index], endpoints)) return; // only their order has changed, as round-robin DNS does
    known_[index] = endpoints;
    changed_(index, std::move(endpoints));
}

} // namespace headroom::core
