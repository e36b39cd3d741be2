// LogRing: lines on their way from one thread to the log pump, without locks and without waiting.
// One producer, one consumer. When it is full a line is dropped and the producer is told: a slow reader of
// our output must never slow a request down.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace headroom::core {

class LogRing {
  public:
    /// `capacity_bytes` is a power of two.
    explicit LogRing(std::size_t capacity_bytes);

    /// Producer: appends whole lines (with their line breaks) or nothing.
    bool push(std::string_view lines) noexcept;
    /// Consumer: moves everything there is to the end of `out`; returns the bytes moved.
    std::size_t drain(std::string& out);
    [[nodiscard]] bool empty() const noexcept;

  private:
    std::size_t mask_;
    std::unique_ptr<char[]> bytes_;
    alignas(64) std::atomic<std::size_t> head_{0}; ///< Next byte to write; the producer's.
    alignas(64) std::atomic<std::size_t> tail_{0}; ///< Next byte to read; the consumer's.
};

} // namespace headroom::core
