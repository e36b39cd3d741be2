// Control: the one thread beside the shards: signals, name resolution, identity tokens, admin pages.
// Boost.Asio and Beast. Promises: nothing here is on a request's path; a shard never waits for it.
#pragma once

#include "core/server.hpp"
#include "core/snapshot.hpp"
#include "net/endpoint.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::core {

/// Resolves every backend's name, blocking: for start-up only. A name that does not resolve gets no endpoints
/// and a line in the log; the control thread asks again.
[[nodiscard]] std::unique_ptr<const Snapshot> first_snapshot(const Config& config, LogPump& log,
                                                             std::size_t log_writer);

/// A line about the process itself, in the format that the log has; `text` ends in a line break.
[[nodiscard]] std::string process_line(const Config& config, std::string_view text);

class Control {
  public:
    /// Binds the admin port; throws std::system_error that names it. `log_writer` is this thread's ring.
    Control(Server& server, LogPump& log, std::size_t log_writer);
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    ~Control();

    /// Where the admin pages are, with the real port.
    [[nodiscard]] net::Endpoint listening() const;
    /// Runs until every shard has ended: SIGTERM and SIGINT begin the drain, a second one ends at once.
    void run();

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace headroom::core
