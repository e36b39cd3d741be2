// Loop::probe on io_uring: a real round trip through everything the loop lives on.
// Setting up a ring proves little: seccomp profiles let it pass and refuse to enter or to register, and old
// kernels know the calls but not multishot receive. Every wait here is bounded.
#include "net/assert.hpp"
#include "net/loop.hpp"

#include <liburing.h>

#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace headroom::net {
namespace {

constexpr int kernel_major_min = 6;
constexpr int kernel_minor_min = 1;
constexpr __kernel_timespec step_timeout{.tv_sec = 2, .tv_nsec = 0};
constexpr int buffer_count = 2;
constexpr unsigned buffer_bytes = 64;
constexpr std::string_view message = "ping";

std::string kernel_too_old() {
    utsname name{};
    int major = 0;
    int minor = 0;
    if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return {};
    if (major > kernel_major_min || (major == kernel_major_min && minor >= kernel_minor_min)) return {};
    return std::string("Linux 6.1 or newer is needed, this is ") + name.release;
}

std::string refusal(std::string_view step, int error_number) {
    std::string text(step);
    text += ": ";
    switch (error_number) {
        case EPERM:
        case EACCES:
            text +=
                "not permitted (a container's seccomp profile or kernel.io_uring_disabled blocks io_uring)";
            break;
        case ENOSYS: text += "the kernel has no io_uring, or a seccomp profile hides it"; break;
        case EINVAL: text += "the kernel is too old for it"; break;
        case ENOMEM: text += "out of memory (raise RLIMIT_MEMLOCK)"; break;
        case ETIME: text += "no answer within 2 s"; break;
        default: text += std::strerror(error_number); break;
    }
    return text;
}

/// A small ring and what the round trip needs; released in any state of completeness.
class Trial {
  public:
    Trial() = default;
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial() {
        // The ring goes first: nothing may write into the buffers after it.
        if (set_up_) io_uring_queue_exit(&ring_);
        for (const int end : ends_) {
            if (end >= 0) ::close(end);
        }
    }

    std::string run() {
        int result = io_uring_queue_init(8, &ring_, 0);
        if (result != 0) return refusal("io_uring_setup", -result);
        set_up_ = true;
        io_uring_prep_nop(io_uring_get_sqe(&ring_));
        if (result = answer(nullptr); result != 0) return refusal("io_uring_enter", -result);
        if (result = offer_buffers(); result != 0) return refusal("io_uring buffer ring", -result);
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0) {
            return refusal("socketpair", errno);
        }
        return receive();
    }

  private:
    /// Submits and waits for one completion; its result, or a negative errno.
    int answer(std::uint32_t* flags) {
        io_uring_cqe* completion = nullptr;
        __kernel_timespec timeout = step_timeout;
        const int result = io_uring_submit_and_wait_timeout(&ring_, &completion, 1, &timeout, nullptr);
        if (result < 0) return result;
        if (completion == nullptr) return -ETIME;
        const int answered = completion->res;
        if (flags != nullptr) *flags = completion->flags;
        io_uring_cqe_seen(&ring_, completion);
        return answered;
    }

    int offer_buffers() {
        auto* entries = reinterpret_cast<io_uring_buf_ring*>(page_.data());
        io_uring_buf_ring_init(entries);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries);
        registration.ring_entries = buffer_count;
        const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
        if (result != 0) return result;
        for (int i = 0; i < buffer_count; ++i) {
            auto& buffer = buffers_[static_cast<std::size_t>(i)];
            io_uring_buf_ring_add(entries, buffer.data(), buffer_bytes, static_cast<std::uint16_t>(i),
                                  io_uring_buf_ring_mask(buffer_count), i);
        }
        io_uring_buf_ring_advance(entries, buffer_count);
        return 0;
    }

    std::string receive() {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        io_uring_prep_recv_multishot(entry, ends_[0], nullptr, 0, 0);
        entry->flags |= IOSQE_BUFFER_SELECT;
        if (::send(ends_[1], message.data(), message.size(), MSG_NOSIGNAL) < 0) return refusal("send", errno);
        std::uint32_t flags = 0;
        const int received = answer(&flags);
        if (received < 0) return refusal("io_uring multishot receive", -received);
        const std::size_t place = flags >> IORING_CQE_BUFFER_SHIFT;
        const bool right = static_cast<std::size_t>(received) == message.size() &&
                           (flags & IORING_CQE_F_BUFFER) != 0 && place < buffer_count &&
                           std::string_view(buffers_[place].data(), message.size()) == message;
        return right ? std::string() : "io_uring multishot receive: wrong bytes came back";
    }

    io_uring ring_{};
    bool set_up_ = false;
    std::array<int, 2> ends_{-1, -1};
    std::array<std::array<char, buffer_bytes>, buffer_count> buffers_{};
    alignas(4096) std::array<char, 4096> page_{};
};

} // namespace

std::string Loop::probe() {
    std::string text = kernel_too_old();
    if (!text.empty()) return text;
    Trial trial;
    return trial.run();
}

} // namespace headroom::net
