// Hedge: races a late attempt against a second one on another backend, for the first content.
// Lives in the frame of the exchange that owns the first attempt. Promises: both attempts have ended before
// the winner's response goes to the client, so that only one of them ever answers it; when the client leaves
// or a shutdown comes, both are cancelled; what loses is cancelled at once. Not here: whether a second one
// may be started, and where (Exchange::open_hedge).
#pragma once

#include "core/attempt.hpp"
#include "net/deadline.hpp"
#include "net/gate.hpp"
#include "net/task.hpp"

#include <memory>
#include <optional>

namespace headroom::core {

class Exchange;

class Hedge {
  public:
    /// The exchange's attempt is late when it is not ready `after` its begin.
    Hedge(Exchange& exchange, net::Duration after);
    Hedge(const Hedge&) = delete;
    Hedge& operator=(const Hedge&) = delete;

    /// Runs the exchange's attempt, and the second one when it comes to that. Afterwards the exchange's
    /// attempt is the one whose End this is.
    net::Task<Attempt::End> run();

    // For the second attempt, as the exchange does for its own.
    void cancel(net::Error error) noexcept;
    void attend() noexcept;
    /// Both are in work.
    [[nodiscard]] bool racing() const noexcept { return second_ && !first_end_ && !second_end_; }

  private:
    void start();
    net::Task<void> run_second();
    void note_end(Attempt& ended, Attempt::End end, Attempt& other, bool other_runs);
    bool wins(const Attempt& ready) const noexcept;
    Attempt::End finish();
    void let_win(bool second);

    Exchange& exchange_;
    net::Duration after_;
    net::Time begun_{};
    net::Deadline late_;
    net::Gate running_; ///< Holds the second one's run.
    std::unique_ptr<Attempt> second_;
    std::optional<Attempt::End> first_end_;
    std::optional<Attempt::End> second_end_;
    bool second_was_first_ = false; ///< To end.
};

} // namespace headroom::core
