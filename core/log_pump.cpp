// The writing thread of LogPump.
#include "core/log_pump.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

namespace headroom::core {
namespace {

constexpr std::size_t ring_bytes = std::size_t{1} << 20U;
/// Lines gather this long before they are written, so that a busy shard wakes the pump rarely.
constexpr std::chrono::milliseconds gather_for{5};

constexpr unsigned idle = 0;
constexpr unsigned lines_waiting = 1;
constexpr unsigned ending = 2;

} // namespace

LogPump::LogPump(int descriptor, std::size_t writers) : descriptor_(descriptor) {
    rings_.reserve(writers);
    for (std::size_t i = 0; i < writers; ++i)
        rings_.push_back(std::make_unique<LogRing>(ring_bytes));
    thread_ = std::thread([this] { run(); });
}

LogPump::~LogPump() {
    // release: every line written before this is in its ring when the pump sees the end
    pending_.store(ending, std::memory_order_release);
    pending_.notify_one();
    thread_.join();
}

bool LogPump::write(std::size_t writer, std::string_view lines) noexcept {
    if (!rings_[writer]->push(lines)) return false;
    // a read-modify-write, not a load: it is ordered with the pump's own exchange on the same word, so either
    // we see the pump idle or (acq_rel) it sees our line
    if (pending_.fetch_or(0, std::memory_order_acq_rel) == idle) {
        unsigned expected = idle;
        // seq_cst: as above
        if (pending_.compare_exchange_strong(expected, lines_waiting, std::memory_order_seq_cst)) {
            pending_.notify_one();
        }
    }
    return true;
}

void LogPump::run() {
    std::string text;
    while (true) {
        // acquire: pairs with the destructor's release
        pending_.wait(idle, std::memory_order_acquire);
        // acquire: as above
        const bool last = pending_.load(std::memory_order_acquire) == ending;
        if (!last) {
            std::this_thread::sleep_for(gather_for);
            unsigned expected = lines_waiting;
            // seq_cst: the pump is idle again before it looks at the rings, so a later line wakes it
            pending_.compare_exchange_strong(expected, idle, std::memory_order_seq_cst);
        }
        text.clear();
        for (const auto& ring : rings_)
            ring->drain(text);
        if (!write_out(text) && last) return;
        if (last) return;
    }
}

bool LogPump::write_out(std::string_view text) const noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor_, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return false;
        pollfd ready{descriptor_, POLLOUT, 0};
        ::poll(&ready, 1, 1000);
    }
    return true;
}

} // namespace headroom::core
