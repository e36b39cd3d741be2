// Setting up, submitting to and waiting on one io_uring.
#include "net/loop_uring_ring.hpp"

#include "net/assert.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace headroom::net {
namespace {

constexpr unsigned queue_entries_min = 32;
/// Completions per submission entry: multishot requests complete often and submit once.
constexpr unsigned completions_per_entry = 4;

constexpr unsigned base_flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
/// Best first; a kernel that does not know a flag says EINVAL.
constexpr std::array flag_sets = {
    base_flags | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    base_flags | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    base_flags | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    base_flags | IORING_SETUP_R_DISABLED,
};

int set_up(io_uring& ring, unsigned entries) {
    int result = -EINVAL;
    for (const unsigned flags : flag_sets) {
        io_uring_params params{};
        params.flags = flags;
        params.cq_entries = entries * completions_per_entry;
        result = io_uring_queue_init_params(entries, &ring, &params);
        if (result != -EINVAL) return result;
    }
    return result;
}

__kernel_timespec timespec_of(Duration wait) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    return {.tv_sec = seconds.count(), .tv_nsec = (wait - seconds).count()};
}

} // namespace

Ring::Ring(unsigned queue_entries) {
    int result = -EINVAL;
    for (unsigned entries = std::max(queue_entries, queue_entries_min); entries >= queue_entries_min;
         entries /= 2) {
        result = set_up(ring_, entries);
        if (result != -ENOMEM) break;
    }
    if (result == 0) return;
    throw std::system_error(-result, std::generic_category(),
                            "cannot set up io_uring (use --io epoll, or allow io_uring in the container's "
                            "seccomp profile and raise RLIMIT_MEMLOCK)");
}

Ring::~Ring() {
    close();
}

void Ring::close() noexcept {
    if (std::exchange(open_, false)) io_uring_queue_exit(&ring_);
}

void Ring::enable() {
    const int result = io_uring_enable_rings(&ring_);
    HEADROOM_ASSERT(result == 0);
    owner_ = std::this_thread::get_id();
    enabled_ = true;
}

io_uring_sqe* Ring::entry() {
    if (aside_.empty()) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (entry != nullptr) return entry;
        if (enabled_ && io_uring_submit(&ring_) > 0) {
            entry = io_uring_get_sqe(&ring_);
            if (entry != nullptr) return entry;
        }
    }
    return &aside_.emplace_back();
}

void Ring::move_aside_in() {
    std::size_t moved = 0;
    for (; moved < aside_.size(); ++moved) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (entry == nullptr && io_uring_submit(&ring_) > 0) entry = io_uring_get_sqe(&ring_);
        if (entry == nullptr) break;
        std::memcpy(entry, &aside_[moved], sizeof *entry);
    }
    aside_.erase(aside_.begin(), aside_.begin() + static_cast<std::ptrdiff_t>(moved));
}

bool Ring::has_kernel_work() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void Ring::enter(Duration wait) {
    if (!enabled_) enable();
    if (!aside_.empty()) move_aside_in();
    if (!aside_.empty()) wait = Duration::zero();
    int result = 0;
    if (wait <= Duration::zero()) {
        const bool kernel_runs_work_itself = (ring_.flags & IORING_SETUP_TASKRUN_FLAG) == 0;
        if (io_uring_sq_ready(&ring_) == 0 && !has_kernel_work() && !kernel_runs_work_itself) return;
        result = io_uring_submit_and_get_events(&ring_);
    } else {
        io_uring_cqe* completion = nullptr;
        __kernel_timespec timeout = timespec_of(wait);
        __kernel_timespec* limit = wait == Duration::max() ? nullptr : &timeout;
        result = io_uring_submit_and_wait_timeout(&ring_, &completion, 1, limit, nullptr);
    }
    // Busy, out of memory, interrupted, or nothing in time: the next turn tries again. Anything else, such as
    // a second thread on the same ring (EEXIST), is our mistake.
    HEADROOM_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                    result == -EBUSY || result == -ENOMEM);
}

void Ring::enter_spinning(Duration spin, Duration wait) {
    enter(Duration::zero());
    const Time until = std::chrono::steady_clock::now() + std::min(spin, wait);
    do {
        if (has_kernel_work()) enter(Duration::zero());
        if (io_uring_cq_ready(&ring_) != 0) return;
    } while (std::chrono::steady_clock::now() < until);
    enter(wait);
}

} // namespace headroom::net
