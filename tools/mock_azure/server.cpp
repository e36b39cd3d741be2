// Puts the parts together.
#include "tools/mock_azure/server.hpp"

#include <fmt/format.h>

namespace headroom::mock {

Server::Server(const Options& options)
    : clock_(options.time_scale),
      log_(static_cast<std::size_t>(options.kept_requests)),
      fixed_(make_fixed_answer(options.fixed)),
      workers_(options.threads) {
    std::vector<AdminApi::Unit> units;
    for (const BackendOptions& one : options.backends) {
        backends_.push_back(std::make_unique<Backend>(one, &clock_, &log_));
        listeners_.push_back(std::make_unique<Listener>(&workers_, backends_.back().get(),
                                                        options.fixed.any() ? &fixed_ : nullptr));
        units.push_back({backends_.back().get(), listeners_.back().get()});
    }
    api_ = std::make_unique<AdminApi>(std::move(units), &clock_, &log_);
    admin_ = std::make_unique<AdminServer>(&workers_.first(), options.admin_port, api_.get());
}

Server::~Server() {
    stop();
}

void Server::start() {
    for (const auto& listener : listeners_)
        listener->start();
    admin_->start();
    workers_.start();
}

std::vector<Server::Endpoint> Server::endpoints() const {
    std::vector<Endpoint> all;
    all.reserve(listeners_.size());
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        all.push_back({backends_[i]->name(), listeners_[i]->url()});
    return all;
}

std::string Server::announcement() const {
    std::string lines;
    for (const Endpoint& one : endpoints()) {
        lines +=
            fmt::format(R"({{"event":"listening","backend":"{}","url":"{}"}})", one.backend, one.url) + "\n";
    }
    lines += fmt::format(R"({{"event":"admin","url":"{}"}})", admin_url()) + "\n";
    return lines + R"({"event":"ready"})" + "\n";
}

} // namespace headroom::mock
