// LoopTest: a loop under test, with tasks on it and connections whose far end is a plain descriptor.
// Every wait is a bounded number of turns, so that a bug is a failure and not a hang.
#pragma once

#include "net/gate.hpp"
#include "net/loop.hpp"
#include "net/task.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::net {

/// Owns a descriptor of the test's side of a connection (blocking, close-on-exec).
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    int get() const { return value_; }
    void close();
    /// Closes with RST.
    void reset();
    /// Sends everything; the test fails when the kernel does not take it.
    void write(std::string_view bytes) const;
    /// As many bytes as the kernel takes now.
    std::size_t write_some(std::string_view bytes) const;
    /// What is there now, at most `bytes_max`; "" when nothing is. Sets `ended` on FIN, `reset` on RST.
    std::string read_some(std::size_t bytes_max = 65536);
    bool ended = false;
    bool was_reset = false;

  private:
    int value_ = -1;
};

class LoopTest : public testing::Test {
  public:
    ~LoopTest() override;

  protected:
    struct Connection {
        Socket socket;
        Descriptor peer;
    };

    explicit LoopTest(const LoopOptions& options = {});

    /// Turns until `done`; the test fails after `turns_max` turns of 20 ms without it.
    void run_until(const std::function<bool()>& done, int turns_max = 500);
    /// Turns until two turns in a row had nothing to do.
    void settle();
    /// Starts `task`; the fixture awaits it at the end.
    void start(Task<void> task);
    /// An accepted socket and the client it came from. `receive_buffer_bytes` is the client's SO_RCVBUF; 0
    /// leaves the system's.
    Connection accepted(int receive_buffer_bytes = 0);
    /// A socket that has connected to the test, and the descriptor that accepted it.
    Connection connected();

    Loop loop_;
    Gate gate_;
};

/// A buffer of `bytes` pseudo-random bytes.
std::string noise(std::size_t bytes, std::uint64_t seed);

/// Results of tasks land here.
struct Received {
    std::string bytes;
    bool ended = false;
    std::optional<Error> error;
};

/// Receives until the end, an error, or `bytes_max` bytes.
Task<void> receive_all(Socket* socket, Received* into, std::size_t bytes_max = SIZE_MAX);
Task<void> send_text(Socket* socket, std::string text, std::optional<Result<void>>* result);
Task<void> connect_to(Socket* socket, Endpoint endpoint, std::optional<Result<void>>* result);

} // namespace headroom::net
