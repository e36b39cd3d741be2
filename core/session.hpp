// Session: one client connection: handshake, then one request after the other until either side has had
// enough. Lives in the frame of serve(); its shard lists it so that a drain can reach it. Not here: what
// happens to one request (core/exchange.hpp).
#pragma once

#include "core/answer.hpp"
#include "core/shard.hpp"
#include "net/deadline.hpp"
#include "net/http/reader.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"

#include <cstdint>

namespace headroom::core {

class Exchange;

class Session {
  public:
    /// The whole life of one accepted connection.
    static net::Task<void> serve(Shard* shard, net::Socket socket);

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Shard& shard() noexcept { return shard_; }
    net::Stream& stream() noexcept { return stream_; }
    net::RequestReader& reader() noexcept { return reader_; }
    Session* next() const noexcept { return next_; }

    /// The shard drains: ends the session now if no request is in work, else after it.
    void begin_drain() noexcept;
    /// The drain limit has passed: whatever is in work is ended.
    void end_now() noexcept;

    /// A phase that awaits the client's bytes ends at `at`: its receive is interrupted and expired() says so.
    void limit_reading(net::Time at) noexcept;
    /// A phase that awaits the client's taking bytes ends at `at`: the connection is cancelled.
    void limit_sending(net::Time at) noexcept;
    void lift_limit() noexcept { deadline_.disarm(); }
    [[nodiscard]] bool expired() const noexcept { return expired_; }

    /// Sends an answer of our own, framed for this request; false when the client could not be reached.
    net::Task<bool> send_answer(Answer answer);
    /// The rest of this request will not be read: the connection ends after the answer, lingering.
    void refuse_more() noexcept { linger_ = true; }
    /// The connection ends with a reset: an orderly end would make a cut response look whole.
    void end_with_reset() noexcept { reset_ = true; }

  private:
    friend class Shard;
    Session(Shard& shard, net::Socket socket) noexcept;
    ~Session();

    net::Task<bool> handshake();
    /// The first bytes of a request, or that none will come (false).
    bool begin_head(net::Result<net::Slice> first) noexcept;
    /// The rest of a head that came in parts. False: it did not come in time; else reader() has it or has
    /// failed.
    net::Task<bool> read_head();
    net::Task<bool> serve_request();
    net::Task<void> refuse_malformed();
    net::Task<void> close_in_order();
    void on_deadline() noexcept;

    Shard& shard_;
    net::Stream stream_;
    net::RequestReader reader_;
    net::Deadline deadline_;
    Exchange* exchange_ = nullptr; ///< The request in work.
    Session* next_ = nullptr;
    Session* previous_ = nullptr;
    bool sending_ = false; ///< What deadline_ ends.
    bool expired_ = false;
    bool linger_ = false;
    bool reset_ = false;
};

} // namespace headroom::core
