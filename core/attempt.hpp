// Attempt: one try of a request on one backend: acquire, send, read the response head, judge it.
// Owns the lease, the connection and what was received. While nothing of its final response has reached
// the client it may fail without harm. Not here: giving the response to the client (core/relay.hpp), which
// backend and how often (core/exchange.hpp).
#pragma once

#include "balance/classify.hpp"
#include "balance/flight_recorder.hpp"
#include "balance/lease.hpp"
#include "balance/rate_limits.hpp"
#include "core/request_body.hpp"
#include "core/upstream_request.hpp"
#include "net/deadline.hpp"
#include "net/gate.hpp"
#include "net/http/reader.hpp"
#include "net/pool.hpp"
#include "net/task.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::core {

class Exchange;
class Relay;

class Attempt {
  public:
    enum class End : std::uint8_t {
        ready,       ///< A response may go to the client: relay() gives it.
        taken,       ///< The response is the client's, or became so as far as it could.
        failed,      ///< No final response has reached the client: another backend may be asked.
        client_gone, ///< The client left.
    };

    Attempt(Exchange& exchange, std::uint32_t backend, balance::Lease lease);
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    ~Attempt();

    /// Until a response is ready, or taken when there is nothing to hold of it, or the attempt has failed.
    net::Task<End> run();
    /// After a run() that ended ready, once.
    net::Task<End> relay();
    /// For a failed one with a whole response: gives that to the client after all.
    net::Task<void> relay_failure();

    /// Ends whatever is awaited on the backend's connection with `error`.
    void cancel(net::Error error) noexcept;
    /// Interrupts a wait for the backend, so that the exchange's flags are looked at.
    void attend() noexcept;

    [[nodiscard]] balance::Verdict verdict() const noexcept { return verdict_; }
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    /// A response was received as far as held() goes, and it is all of it.
    [[nodiscard]] bool has_response() const noexcept { return status_ != 0 && body_whole_; }
    /// What it came to, for the flight recorder.
    [[nodiscard]] balance::AttemptEnd end_of(End end) const noexcept;
    /// Counts and records a failed attempt.
    void note_failure() noexcept;
    /// True the first time: each attempt is recorded once.
    [[nodiscard]] bool note_recorded() noexcept { return !std::exchange(recorded_, true); }
    [[nodiscard]] net::Time head_at() const noexcept { return head_at_; }

    // One of two that race.
    /// It is the one that was started later.
    void be_hedge() noexcept { hedge_ = true; }
    /// The other one has content: run() ends soon, failed unless it is ready by now, and its lease is left
    /// for end_overtaken().
    void give_up() noexcept;
    [[nodiscard]] bool gives_up() const noexcept { return gives_up_; }
    [[nodiscard]] bool succeeds() const noexcept { return status_ >= 200 && status_ < 300; }
    /// Settles one that has lost, after its run(); returns the tokens that stay charged for it.
    balance::Tokens end_overtaken() noexcept;
    /// The other one has failed: what was held back because of the race is held back no longer.
    void hold_alone() noexcept;

    // For the relay.
    Exchange& exchange() noexcept { return exchange_; }
    std::uint32_t backend() const noexcept { return backend_; }
    balance::Lease& lease() noexcept { return lease_; }
    net::ResponseReader& reader() noexcept { return *reader_; }
    net::Stream& stream() noexcept { return connection_.stream(); }
    /// The backend was asked for a usage event that the client did not ask for.
    bool adds_usage() const noexcept { return request_.adds_usage(); }
    /// Interim responses that the client has not got yet, ready to be sent; of one that loses it gets none.
    [[nodiscard]] std::span<const net::Slice> interim() const noexcept { return interim_; }
    RequestBody& held() noexcept { return held_; }
    std::uint64_t held_bytes() const noexcept { return held_.size(); }
    bool body_whole() const noexcept { return body_whole_; }
    /// The next pieces of the response's body into `parts`, by the idle deadline. A wait that was interrupted
    /// for the exchange's sake goes on by itself; one that hold_until() ended is `interrupted`.
    net::Task<net::Result<void>> read_parts(net::BodyParts* parts);
    /// Keeps `parts` for later; false when there is no memory for it.
    [[nodiscard]] bool hold(net::BodyParts& parts);
    /// read_parts() ends with `interrupted` at `at`, once.
    void hold_until(net::Time at) noexcept { hold_deadline_.arm(at); }
    void hold_over() noexcept;
    /// A stream's first content has come: how long the backend takes for a prompt of that size.
    void note_first_content() noexcept;
    /// Nobody waits for that any more.
    void note_no_content() noexcept;
    /// The response ended early; settles the lease as the backend's fault, unless it is
    /// ours. `output`: as Lease::fault.
    void blame(net::Error error, std::optional<balance::Tokens> output = std::nullopt) noexcept;
    /// A stream's first words are that its quota is used up: a refusal like a 429.
    void refuse_stream() noexcept;
    /// What was received may not be given to the client, not even when all others fail.
    void forget_response() noexcept { body_whole_ = false; }
    /// The response was read to its end: the connection may serve again if it is provably clean.
    void release_connection() noexcept;
    void close_connection() noexcept { connection_.close(); }

  private:
    enum class Step : std::uint8_t { go_on, again, failed, client_gone };

    net::Task<End> converse(bool may_add_usage);
    net::Task<End> ask_without_usage();
    net::Task<Step> ask(bool fresh);
    net::Task<net::Result<void>> connect();
    net::Task<net::Result<void>> send();
    net::Task<net::Result<void>> stream_body();
    net::Task<net::Result<void>> read_head();
    void take_interim();
    net::Task<bool> pass_interim();
    net::Task<net::Result<void>> read_error_body();
    net::Task<End> judge();
    std::string_view error_text();
    bool object_elsewhere(const balance::Answer& answer) noexcept;
    Step failed_by(net::Error error, bool fresh) noexcept;
    void observe_limits() noexcept;
    void settle_failure();
    void on_deadline() noexcept;
    void on_hold_deadline() noexcept;
    void on_backend(net::Attention attention) noexcept;
    void begin_listening();
    net::Task<void> listen();

    Exchange& exchange_;
    std::uint32_t backend_;
    balance::Lease lease_;
    RequestBody held_; ///< Of the response; made compact as a request's is.
    balance::RateLimits limits_;
    UpstreamRequest request_;
    net::ConnectionPool::Handle connection_;
    std::optional<net::ResponseReader> reader_;
    std::vector<net::Slice> interim_;
    net::Deadline deadline_;
    net::Deadline hold_deadline_;
    net::Deadline listen_at_;            ///< Listening begins outside the call that told of input.
    std::optional<net::Gate> listening_; ///< While sending, once there is something to hear.
    std::string error_text_;             ///< The start of held_ in one piece, when it is in several.
    net::Time begun_at_{};
    net::Time sent_at_{};
    net::Time head_at_{};
    net::Error error_;
    net::Error cancelled_;
    std::uint16_t status_ = 0;
    balance::Verdict verdict_ = balance::Verdict::transient_fault;
    bool body_whole_ = false;
    bool sending_ = false;
    bool sent_whole_ = false;
    bool answered_early_ = false;
    bool hold_ended_ = false;
    bool hold_overdue_ = false; ///< It would have ended but for the race.
    bool hedge_ = false;
    bool gives_up_ = false;
    bool overtaken_ = false;
    bool recorded_ = false;
    std::optional<std::uint64_t> refused_usage_; ///< Key of the refusal, until it proves true.
    std::unique_ptr<Relay> relay_; ///< Once there is a response; ends before what it reads from.
};

} // namespace headroom::core
