// The control thread's work, put together.
#include "core/control/control.hpp"

#include "core/control/admin_server.hpp"
#include "core/control/identity.hpp"
#include "core/control/resolver.hpp"
#include "core/metrics.hpp"
#include "core/report.hpp"
#include "core/why_page.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace headroom::core {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool uses_identity(const Config& config) {
    for (const BackendConfig& backend : config.backends) {
        if (backend.auth == BackendAuth::managed_identity) return true;
    }
    return false;
}

tcp::endpoint admin_endpoint(const Config& config) {
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(config.admin.address, failure);
    if (failure)
        throw std::runtime_error("the admin address " + to_string(config.admin) + " is not an address");
    return {address, config.admin.port};
}

} // namespace

std::string process_line(const Config& config, std::string_view text) {
    if (config.log.format != LogFormat::json) return std::string(text);
    std::string line = R"({"time":")";
    append_timestamp(line, std::chrono::system_clock::now());
    line += R"(","event":"process","message":")";
    append_json_text(line, text.substr(0, text.find('\n')));
    return line + "\"}\n";
}

std::unique_ptr<const Snapshot> first_snapshot(const Config& config, LogPump& log, std::size_t log_writer) {
    auto snapshot = std::make_unique<Snapshot>();
    for (const BackendConfig& backend : config.backends) {
        std::string failure;
        snapshot->backends.push_back({resolve_now(backend.url, failure), Secret()});
        if (failure.empty()) continue;
        log.write(log_writer, process_line(config, fmt::format("Cannot resolve {}: {}; asking again\n",
                                                               backend.url.host, failure)));
    }
    return snapshot;
}

struct Control::Inside {
    Server& server;
    LogPump& log;
    std::size_t log_writer;
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    asio::signal_set signals{context, SIGTERM, SIGINT};
    std::optional<AdminServer> admin;
    Resolver resolver;
    std::optional<Identity> identity;

    Inside(Server& the_server, LogPump& the_log, std::size_t writer)
        : server(the_server),
          log(the_log),
          log_writer(writer),
          resolver(
              context, the_server.config(),
              [this](std::size_t index, std::vector<net::Endpoint> endpoints) {
                  change([&](Snapshot& next) { next.backends[index].endpoints = std::move(endpoints); });
              },
              [this](const std::string& line) { say(line); }) {}

    void say(const std::string& line) { log.write(log_writer, process_line(server.config(), line)); }

    template <typename Edit>
    void change(Edit edit) {
        auto next = std::make_unique<Snapshot>(server.latest());
        edit(*next);
        server.publish(std::move(next));
    }

    void set_token(const Secret& bearer) {
        change([&](Snapshot& next) {
            for (std::size_t i = 0; i < next.backends.size(); ++i) {
                if (server.config().backends[i].auth == BackendAuth::managed_identity)
                    next.backends[i].bearer_token = bearer;
            }
        });
    }

    void await_signal() {
        signals.async_wait([this](boost::system::error_code failure, int number) {
            if (failure) return;
            if (server.draining()) {
                // straight to the descriptor: the pump's thread has no time left
                const std::string line = process_line(server.config(), "A second signal: ending at once\n");
                [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
                std::_Exit(128 + number);
            }
            say(fmt::format(
                "Signal {}: draining for at most {} s\n", number,
                std::chrono::duration_cast<std::chrono::seconds>(server.config().timeouts.drain).count()));
            server.begin_drain();
            await_signal();
        });
    }

    /// Whether backend `index` could be sent something now.
    bool usable(std::size_t index) const {
        const BackendState& state = server.latest().backends[index];
        const bool has_credential = server.config().backends[index].auth != BackendAuth::managed_identity ||
                                    !state.bearer_token.empty();
        return !state.endpoints.empty() && has_credential &&
               server.fleet().can_serve(static_cast<std::uint32_t>(index), std::chrono::steady_clock::now());
    }

    Page ready_page() const {
        if (server.draining()) return {503, "text/plain; charset=utf-8", "Draining\n"};
        std::size_t able = 0;
        for (std::size_t i = 0; i < server.config().backends.size(); ++i)
            able += usable(i) ? 1 : 0;
        Page page;
        page.status = able > 0 ? 200 : 503;
        page.body = fmt::format("{}: {} of {} backends can be asked\n", able > 0 ? "Ready" : "Not ready",
                                able, server.config().backends.size());
        return page;
    }

    PageBasis basis() const {
        return {server.config(), server.fleet(), server.recorders(), std::chrono::steady_clock::now(),
                std::chrono::system_clock::now()};
    }

    static Page page_of(bool text, std::string body) {
        return {200, text ? "text/plain; charset=utf-8" : "application/json", std::move(body)};
    }

    Page why_page(std::string_view id, bool text) const {
        const PageBasis now = basis();
        auto page = text ? why_text(now, id) : why_json(now, id);
        if (page) return page_of(text, std::move(*page));
        return {404, "text/plain; charset=utf-8",
                "No record of that request on this replica. " + reach_text(now) + "\n"};
    }

    Page answer(const AdminRequest& request) const {
        const std::string_view path = request.path;
        constexpr std::string_view why = "/why/";
        const bool text = request.query == "format=text" || (request.wants_text && request.query.empty());
        if (path.starts_with(why)) return why_page(path.substr(why.size()), text);
        if (path == "/quotas") return page_of(text, text ? quotas_text(basis()) : quotas_json(basis()));
        if (path == "/healthz") return {200, "text/plain; charset=utf-8", "Healthy"};
        if (path == "/readyz") return ready_page();
        if (path == "/metrics") {
            return {200, "text/plain; version=0.0.4; charset=utf-8",
                    metrics_page(server.config(), server.counters(), server.fleet(),
                                 std::chrono::steady_clock::now())};
        }
        if (path == "/") {
            return {
                200, "text/plain; charset=utf-8",
                "Headroom " HEADROOM_VERSION " (" HEADROOM_IO_NAME
                ")\n\n"
                "/healthz  this process runs\n/readyz   a backend can be asked\n/metrics  Prometheus text\n"
                "/quotas   what is known of every quota\n"
                "/why/ID   why the request of that x-headroom-request-id went where it went\n"
                "Both are JSON; with ?format=text for people.\n"};
        }
        return {404, "text/plain; charset=utf-8", "Not found; see / for what is here.\n"};
    }
};

Control::Control(Server& server, LogPump& log, std::size_t log_writer)
    : inside_(std::make_unique<Inside>(server, log, log_writer)) {
    Inside& inside = *inside_;
    const Config& config = server.config();
    try {
        inside.admin.emplace(inside.context, admin_endpoint(config),
                             [this](const AdminRequest& request) { return inside_->answer(request); });
    } catch (const boost::system::system_error& failure) {
        throw std::runtime_error("cannot listen on " + to_string(config.admin) + " for admin pages: " +
                                 failure.code().message() + " (choose another with --admin)");
    }
    if (uses_identity(config)) {
        inside.identity.emplace(
            inside.context, config.identity, [this](const Secret& bearer) { inside_->set_token(bearer); },
            [this](const std::string& line) { inside_->say(line); });
    }
    server.on_finished([this] {
        asio::post(inside_->context, [this] {
            inside_->resolver.stop();
            if (inside_->identity) inside_->identity->stop();
            inside_->admin->close();
            inside_->signals.cancel();
            inside_->work.reset();
            inside_->context.stop();
        });
    });
    inside.await_signal();
}

Control::~Control() = default;

net::Endpoint Control::listening() const {
    const tcp::endpoint local = inside_->admin->local();
    return net::Endpoint::parse(local.address().to_string(), local.port()).value_or(net::Endpoint());
}

void Control::run() {
    Inside& inside = *inside_;
    std::vector<std::vector<net::Endpoint>> known;
    for (const BackendState& state : inside.server.latest().backends)
        known.push_back(state.endpoints);
    inside.resolver.start(std::move(known));
    if (inside.identity) inside.identity->start();
    inside.context.run();
}

} // namespace headroom::core
