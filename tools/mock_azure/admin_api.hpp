// What the admin port can do, without HTTP: one function from a request to a JSON answer.
// Called on one thread; backends and listeners guard themselves. Not here: sockets (admin_server.hpp).
#pragma once

#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/listener.hpp"
#include "tools/mock_azure/request_log.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

struct AdminReply {
    int status = 200;
    std::string body;
};

class AdminApi {
  public:
    struct Unit {
        Backend* backend;
        Listener* listener;
    };

    AdminApi(std::vector<Unit> units, const ScaledClock* clock, RequestLog* log)
        : units_(std::move(units)), clock_(clock), log_(log) {}

    AdminReply handle(std::string_view method, std::string_view target, const std::string& body);

  private:
    AdminReply stats() const;
    AdminReply requests(std::string_view target) const;
    AdminReply faults() const;
    AdminReply add_faults(const std::string& body);
    AdminReply clear_faults(std::string_view target);
    AdminReply config() const;
    AdminReply change_config(const std::string& body);
    AdminReply reset(std::string_view target);
    /// The units of that name; all for an empty one.
    std::vector<Unit> find(std::string_view name) const;
    AdminReply no_such_backend(std::string_view name) const;

    std::vector<Unit> units_;
    const ScaledClock* clock_;
    RequestLog* log_;
};

} // namespace headroom::mock
