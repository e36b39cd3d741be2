// How far a command has come, on standard error: a bar that is drawn over itself on a terminal, a line every
// ten seconds elsewhere, nothing when it is told to be quiet. Results never hang on it. Not here: results
// (table.hpp, json_report.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace headroom::lab {

class Progress {
  public:
    enum class Kind : std::uint8_t { bar, lines, none };

    /// `steps` may grow later by more().
    Progress(Kind kind, std::size_t steps);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    /// A step begins; `what` names it.
    void begin(std::string what);
    /// `part` of the step is done, from 0 to 1.
    void at(double part);
    /// The step is over. `requests` were simulated in it; 0 for a step that simulates none, as a bound.
    void end(std::size_t requests);
    void more(std::size_t steps) noexcept { steps_ += steps; }

    /// Takes the bar away and says how fast it went, in requests per minute of CPU time; once.
    void finish();

  private:
    using Clock = std::chrono::steady_clock;

    void show();

    Kind kind_;
    std::size_t steps_;
    std::size_t done_ = 0;
    double part_ = 0;
    std::string what_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point shown_ = started_;
    double step_began_cpu_s_ = 0;
    double simulating_cpu_s_ = 0;
    double other_cpu_s_ = 0;
    std::uint64_t requests_ = 0;
    bool finished_ = false;
};

} // namespace headroom::lab
