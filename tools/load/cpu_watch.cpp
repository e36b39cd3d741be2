// clock_getcpuclockid(3) names a process's clock; clock_gettime(2) reads it, running threads included.
#include "tools/load/cpu_watch.hpp"

#include <ctime>

namespace headroom::load {

std::optional<Nanoseconds> cpu_time_of(pid_t process) noexcept {
    clockid_t clock{};
    timespec now{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &now) != 0) return std::nullopt;
    return std::chrono::seconds{now.tv_sec} + Nanoseconds{now.tv_nsec};
}

void CpuWatch::begin() noexcept {
    begin_ = read();
}

void CpuWatch::end() noexcept {
    if (!end_) end_ = read();
}

std::optional<double> CpuWatch::cores() const noexcept {
    if (processes_.empty() || !begin_ || !end_ || !begin_->cpu || !end_->cpu || end_->when <= begin_->when)
        return std::nullopt;
    return static_cast<double>((*end_->cpu - *begin_->cpu).count()) /
           static_cast<double>((end_->when - begin_->when).count());
}

CpuWatch::Reading CpuWatch::read() const noexcept {
    Reading reading{Clock::now(), Nanoseconds{0}};
    for (const pid_t process : processes_) {
        const auto used = cpu_time_of(process);
        if (!used) return {reading.when, std::nullopt};
        *reading.cpu += *used;
    }
    return reading;
}

} // namespace headroom::load
