// CPU time of other processes over the measured time, to the nanosecond.
// Promises: needs no privilege and no tick-sized counters: the kernel's per-process CPU clocks are read
// directly.
#pragma once

#include "tools/load/clock.hpp"

#include <sys/types.h>

#include <optional>
#include <vector>

namespace headroom::load {

/// User and system time of all threads of a process so far; nothing when there is no such process.
[[nodiscard]] std::optional<Nanoseconds> cpu_time_of(pid_t process) noexcept;

class CpuWatch {
  public:
    explicit CpuWatch(std::vector<pid_t> processes) : processes_(std::move(processes)) {}

    void begin() noexcept;
    void end() noexcept; ///< The first call counts, later ones change nothing.

    [[nodiscard]] bool is_empty() const noexcept { return processes_.empty(); }

    /// CPU time per second of real time between begin() and end(), in cores; nothing when a process was gone
    /// at either end.
    [[nodiscard]] std::optional<double> cores() const noexcept;

  private:
    struct Reading {
        TimePoint when;
        std::optional<Nanoseconds> cpu;
    };

    [[nodiscard]] Reading read() const noexcept;

    std::vector<pid_t> processes_;
    std::optional<Reading> begin_;
    std::optional<Reading> end_;
};

} // namespace headroom::load
