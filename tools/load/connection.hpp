// One keep-alive connection: sends the request when told to, times and judges the answer, and says when it is
// free again. Owned by a Worker, used by its thread only. Not here: sockets
// (tools/load/stream_connection.hpp), when to send (worker.hpp).
#pragma once

#include "tools/load/answer_check.hpp"
#include "tools/load/clock.hpp"
#include "tools/load/response_reader.hpp"
#include "tools/load/sending.hpp"
#include "tools/load/tally.hpp"

#include <string_view>

namespace headroom::load {

class Connection;

/// What a connection needs from its worker.
struct Shift {
    const Expectation* expectation = nullptr;
    std::string_view request; ///< Head and body as bytes.
    bool to_head = false;     ///< The request is a HEAD.
    Nanoseconds timeout{};
    Window window;
    Tally tally;
    Live* live = nullptr;
    std::string first_failure; ///< What went wrong first, for the report.
};

class ConnectionOwner {
  public:
    ConnectionOwner(const ConnectionOwner&) = delete;
    ConnectionOwner& operator=(const ConnectionOwner&) = delete;

    virtual void on_idle(Connection& connection, TimePoint now) = 0; ///< Open, and may begin() a request.
    virtual void on_closed(Connection& connection) = 0;              ///< May be open()ed again.

  protected:
    ConnectionOwner() = default;
    ~ConnectionOwner() = default;
};

class Connection : private BodySink {
  public:
    enum class State : std::uint8_t { closed, opening, idle, busy };

    Connection(Shift& shift, ConnectionOwner& owner);
    virtual ~Connection() = default;

    /// Connects; on_idle or on_closed follows.
    void open(TimePoint now);

    /// Sends the request, whose latency counts from `intended`; only when idle.
    void begin(TimePoint intended, TimePoint now);

    /// As begin(), with a request of its own, which is kept until the answer is there.
    void begin(TimePoint intended, TimePoint now, Sending sending);

    /// Fails what has lasted longer than the timeout.
    void tick(TimePoint now);

    [[nodiscard]] State state() const noexcept { return state_; }

    /// A request was sent on it, ever.
    [[nodiscard]] bool has_begun() const noexcept { return begun_ever_; }

    /// A whole response has come since it was opened.
    [[nodiscard]] bool has_answered() const noexcept { return has_answered_; }

  protected:
    // The socket's side: start_*() are asked for, the others told.
    virtual void start_open() = 0;
    virtual void start_write(std::string_view bytes) = 0;
    virtual void start_close() = 0;
    [[nodiscard]] virtual bool is_writing() const noexcept = 0; ///< Bytes of start_write() are still used.

    void opened();
    void received(std::string_view bytes);
    void ended(std::string_view why); ///< The stream is over, by the peer or by an error; also while opening.
    void closed();                    ///< Nothing is pending after start_close().

  private:
    void on_body(std::string_view bytes) override;
    void note_progress(TimePoint now, std::uint64_t bytes, std::uint64_t chunks);
    void note_events(TimePoint now);
    void finish(TimePoint now, bool reusable);
    void fail(Failure failure, TimePoint now, std::string_view why);
    void record(Failure failure, TimePoint now, std::string_view why);
    void close();

    void begin(TimePoint intended, TimePoint now, std::string_view request);

    Shift* shift_;
    Sending sending_; // of the request in work; empty bytes: the shift's
    ConnectionOwner* owner_;
    ResponseReader reader_;
    AnswerCheck check_;
    State state_ = State::closed;
    bool measured_ = false; // the request was meant for the window
    bool closing_ = false;
    bool has_answered_ = false;
    bool begun_ever_ = false;
    std::uint64_t new_events_ = 0; // completed by the bytes being read
    TimePoint intended_{};
    TimePoint begun_{}; // request or connect
    TimePoint last_event_{};
};

} // namespace headroom::load
