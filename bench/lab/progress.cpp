// Time is read when something is shown, and CPU time at the ends of steps.
#include "bench/lab/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

namespace headroom::lab {
namespace {

using namespace std::chrono_literals;

constexpr auto bar_every = 100ms;
constexpr auto line_every = 10s;
constexpr int bar_width = 24;

double cpu_seconds() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

} // namespace

Progress::Progress(Kind kind, std::size_t steps) : kind_(kind), steps_(steps) {}

Progress::~Progress() {
    if (kind_ == Kind::bar && !finished_) fmt::print(stderr, "\r\033[K");
}

void Progress::begin(std::string what) {
    what_ = std::move(what);
    part_ = 0;
    step_began_cpu_s_ = cpu_seconds();
    show();
}

void Progress::at(double part) {
    part_ = part;
    show();
}

void Progress::end(std::size_t requests) {
    (requests > 0 ? simulating_cpu_s_ : other_cpu_s_) += cpu_seconds() - step_began_cpu_s_;
    requests_ += requests;
    part_ = 0;
    ++done_;
}

void Progress::show() {
    if (kind_ == Kind::none) return;
    const Clock::time_point now = Clock::now();
    if (now - shown_ < (kind_ == Kind::bar ? Clock::duration(bar_every) : Clock::duration(line_every)))
        return;
    shown_ = now;
    const double share = std::clamp(
        (static_cast<double>(done_) + part_) / static_cast<double>(std::max<std::size_t>(steps_, 1)), 0.0,
        1.0);
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const std::string left = share > 0.02 ? fmt::format(", {:.0f} s left", seconds / share - seconds) : "";
    if (kind_ == Kind::lines) {
        fmt::print(stderr, "headroom-lab: {:3.0f} %, {:.0f} s{}: {}\n", share * 100, seconds, left, what_);
        return;
    }
    const auto full = static_cast<std::size_t>(std::lround(share * bar_width));
    fmt::print(stderr, "\r\033[K[{:<{}}] {:3.0f} %{}  {:.60}", std::string(full, '#'), bar_width, share * 100,
               left, what_);
    std::fflush(stderr);
}

void Progress::finish() {
    if (std::exchange(finished_, true) || kind_ == Kind::none) return;
    if (kind_ == Kind::bar) fmt::print(stderr, "\r\033[K");
    if (requests_ == 0 || simulating_cpu_s_ <= 0) return;
    fmt::print(stderr,
               "headroom-lab: {} requests simulated in {:.1f} s of one core: {:.1f} million per minute",
               requests_, simulating_cpu_s_, static_cast<double>(requests_) / simulating_cpu_s_ * 60 / 1e6);
    if (other_cpu_s_ > 0.05) fmt::print(stderr, "; {:.1f} s for the bounds", other_cpu_s_);
    fmt::print(stderr, "\n");
}

} // namespace headroom::lab
