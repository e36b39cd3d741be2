// LogPump: the one thread that writes log lines to a descriptor, so that no shard ever waits for a pipe or a
// disk. Each writing thread has a LogRing of its own. The pump sleeps while all rings are empty; a busy
// writer wakes it at most a few hundred times a second.
#pragma once

#include "core/log_ring.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace headroom::core {

class LogPump {
  public:
    /// Writes to `descriptor` (not owned); `writers` rings.
    LogPump(int descriptor, std::size_t writers);
    LogPump(const LogPump&) = delete;
    LogPump& operator=(const LogPump&) = delete;
    /// Writes what is left, then ends.
    ~LogPump();

    /// Appends whole lines for writer `writer` (one thread each); false when its ring was full and they are
    /// lost.
    bool write(std::size_t writer, std::string_view lines) noexcept;
    [[nodiscard]] std::size_t writers() const noexcept { return rings_.size(); }

  private:
    void run();
    bool write_out(std::string_view text) const noexcept;

    int descriptor_;
    std::vector<std::unique_ptr<LogRing>> rings_;
    std::atomic<unsigned> pending_{0}; ///< 0: the pump may sleep; 1: lines are waiting; 2: end.
    std::thread thread_;
};

} // namespace headroom::core
