// TlsWire: what lies between OpenSSL and a socket: received bytes it has not read yet, records not sent yet.
// The BIO reads straight from the received Slice and appends records to blocks of the loop's pool, so that
// several records leave in one send. One session, one thread.
// Not here: the socket and the order of its operations (net/tls/session.hpp).
#pragma once

#include "net/buffer.hpp"

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

struct bio_st;

namespace headroom::net {

/// Bytes in a few blocks, appended at the end and sent as a whole.
class RecordQueue {
  public:
    static constexpr std::size_t blocks_max = 6;

    RecordQueue() noexcept = default;
    RecordQueue(RecordQueue&& other) noexcept;
    RecordQueue& operator=(RecordQueue&& other) noexcept;
    RecordQueue(const RecordQueue&) = delete;
    RecordQueue& operator=(const RecordQueue&) = delete;
    ~RecordQueue() = default;

    bool empty() const noexcept { return bytes_ == 0; }
    std::size_t bytes() const noexcept { return bytes_; }
    /// Makes room so that the next `bytes`, at most a large block, fit without fail; false at the memory
    /// bound or over blocks_max.
    bool reserve(BufferPool& pool, std::size_t bytes) noexcept;
    /// False (and the queue is not to be sent any more) at the memory bound or over blocks_max.
    bool append(BufferPool& pool, std::string_view bytes) noexcept;
    /// Writes one iovec per block and returns how many; they live as long as the queue is not changed.
    std::size_t gather(std::span<iovec, blocks_max> pieces) noexcept;
    void clear() noexcept;

  private:
    bool add_block(BufferPool& pool, std::size_t for_bytes) noexcept;

    std::array<Slice, blocks_max> blocks_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

struct TlsWire {
    explicit TlsWire(BufferPool& from) noexcept : pool(&from) {}

    /// A BIO over this wire; null when out of memory. The wire must outlive it.
    bio_st* new_bio() noexcept;

    BufferPool* pool;
    Slice input;             ///< received, not read by OpenSSL yet
    RecordQueue output;      ///< written by OpenSSL, not sent yet
    bool overflowed = false; ///< a record was lost for want of memory: nothing more can be sent
};

} // namespace headroom::net
