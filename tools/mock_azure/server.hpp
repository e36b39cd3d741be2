// The whole mock in one object: clock, backends, listeners, admin port, threads. main.cpp and tests start it
// the same way.
#pragma once

#include "tools/mock_azure/admin_server.hpp"
#include "tools/mock_azure/options.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace headroom::mock {

class Server {
  public:
    struct Endpoint {
        std::string backend;
        std::string url;
    };

    /// Opens every port; throws std::runtime_error with what to do when one cannot be opened.
    explicit Server(const Options& options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    void start();
    void stop() { workers_.stop(); }

    std::vector<Endpoint> endpoints() const;
    std::string admin_url() const { return admin_->url(); }
    /// The machine-readable lines for stdout.
    std::string announcement() const;

  private:
    ScaledClock clock_;
    RequestLog log_;
    FixedAnswer fixed_;
    std::vector<std::unique_ptr<Backend>> backends_;
    // Before what lives on it, so that it is destroyed after; connections left in it borrow the backends
    // above.
    Workers workers_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unique_ptr<AdminApi> api_;
    std::unique_ptr<AdminServer> admin_;
};

} // namespace headroom::mock
