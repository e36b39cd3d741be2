// Follows a stream of server-sent events in pieces of any size: how many events, and did it end as it should.
// Owned by one connection, used again for each response. Promises: keeps at most 64 bytes of a line, whatever
// comes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::load {

class SseReader {
  public:
    /// Starts a new stream.
    void reset() noexcept { *this = SseReader{}; }

    /// Takes the next bytes of the body; returns how many events they completed (an event is data and then a
    /// blank line).
    std::uint64_t feed(std::string_view bytes) noexcept;

    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

    /// The last event was `data: [DONE]`, or the Responses API's last one (response.completed, .incomplete,
    /// .failed).
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// An event carried an error: `event: error`, or data that begins with {"error".
    [[nodiscard]] bool failed() const noexcept { return failed_; }

  private:
    void end_line() noexcept;
    void end_event() noexcept;

    std::array<char, 64> line_{}; // how the current line begins; enough to know every line that matters
    std::size_t line_bytes_ = 0;
    std::uint64_t events_ = 0;
    bool has_data_ = false;
    bool is_last_ = false; // the event being read says that it is the last one
    bool ended_ = false;
    bool failed_ = false;
};

} // namespace headroom::load
