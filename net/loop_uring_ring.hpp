// Ring: one io_uring instance, set up with the best flags the kernel takes. Private to loop_uring*.cpp.
// The thread of the first enter() owns it (IORING_SETUP_SINGLE_ISSUER, enabled late), so that a loop may be
// made on one thread and run on another.
#pragma once

#include "net/clock.hpp"

#include <liburing.h>

#include <thread>
#include <vector>

namespace headroom::net {

class Ring {
  public:
    /// Throws std::system_error when the kernel refuses every combination of flags and sizes.
    explicit Ring(unsigned queue_entries);
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();
    /// Ends everything that is under way; only the destructor may follow.
    void close() noexcept;

    /// An entry to prepare at once; never null: what the full queue cannot take is kept aside in order.
    io_uring_sqe* entry();
    /// Submits, runs the kernel's deferred work, and waits for a completion for at most `wait`;
    /// Duration::max() is for ever.
    void enter(Duration wait);
    /// Looks for completions without sleeping for `spin`, then as enter().
    void enter_spinning(Duration spin, Duration wait);
    /// Calls `each` for every completion that is there, then frees their places together. Returns how many.
    template <typename Each>
    unsigned reap(Each each) {
        unsigned head = 0;
        unsigned count = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring_, head, completion) {
            each(*completion);
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
        return count;
    }
    /// Whether the ring was entered, and by this thread: only then may it be entered again.
    bool is_mine() const noexcept { return enabled_ && owner_ == std::this_thread::get_id(); }
    io_uring* get() noexcept { return &ring_; }

  private:
    void enable();
    void move_aside_in();
    bool has_kernel_work() const noexcept;

    io_uring ring_{};
    std::vector<io_uring_sqe> aside_;
    std::thread::id owner_;
    bool enabled_ = false;
    bool open_ = true;
};

} // namespace headroom::net
