// Inbox: what one socket has received and nobody has taken, and the watch that tells of it.
// Shared by the loops. Order is the wire's: pieces first, then the FIN or the failure that ended them.
#pragma once

#include "net/buffer.hpp"
#include "net/loop.hpp"
#include "net/result.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom::net {

class Inbox {
  public:
    /// A small piece goes behind the one before it where there is room: a flood of tiny segments must not
    /// hold a block each.
    void push(Slice piece);
    void end() noexcept { ended_ = true; }
    void fail(Error error) noexcept;
    /// Gives the pieces back; the end stays.
    void clear() noexcept;

    std::size_t pieces() const noexcept { return pieces_.size() - first_; }
    std::size_t bytes() const noexcept { return bytes_; }
    bool ended() const noexcept { return ended_; }
    bool failed() const noexcept { return failure_.code != ErrorCode::none; }
    Error failure() const noexcept { return failure_; }
    /// Whether take() has something to say.
    bool has_input() const noexcept { return pieces() != 0 || ended_ || failed(); }
    bool peer_gone() const noexcept { return ended_ || failed(); }

    /// The next piece; then, again and again, the FIN (an empty Slice) or the failure. Only when has_input().
    Result<Slice> take() noexcept;

  private:
    std::vector<Slice> pieces_;
    std::size_t first_ = 0;
    std::size_t bytes_ = 0;
    Error failure_;
    bool ended_ = false;
};

/// Who is told of input that no receive() takes. Each Attention is told once until something is taken.
class Watch {
  public:
    using Notify = void (*)(void* context, Attention attention);

    void set(Notify notify, void* context) noexcept;
    bool set() const noexcept { return notify_ != nullptr; }
    /// Bytes were taken: later ones are news again.
    void taken() noexcept { told_ &= static_cast<std::uint8_t>(~bit(Attention::readable)); }
    /// The FIN or the failure was taken by a receive(): nobody is told of it any more.
    void end_taken(Attention end) noexcept {
        taken_ |= bit(end);
        told_ |= bit(end);
    }
    /// Calls the watcher when this is news; it may close the socket. Returns whether it was called.
    bool tell(Attention attention) noexcept;

  private:
    static constexpr std::uint8_t bit(Attention attention) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(attention));
    }

    Notify notify_ = nullptr;
    void* context_ = nullptr;
    std::uint8_t told_ = 0;
    std::uint8_t taken_ = 0;
};

} // namespace headroom::net
