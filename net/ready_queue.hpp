// ReadyQueue and Waiter: coroutines that go on soon, and the one coroutine that waits for an operation.
// Shared by the loops. An operation that ends, is cancelled or interrupted only queues its waiter here, so
// that nothing is ever resumed from inside a call into the loop.
#pragma once

#include "net/assert.hpp"

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

namespace headroom::net {

class ReadyQueue {
  public:
    void push(std::coroutine_handle<> handle) { queued_.push_back(handle); }
    bool empty() const noexcept { return queued_.empty(); }
    std::size_t size() const noexcept { return queued_.size(); }

    /// Resumes what is queued now; what that queues in turn waits for the next call. Returns how many ran.
    std::size_t run() {
        if (queued_.empty()) return 0;
        std::swap(queued_, running_);
        for (const std::coroutine_handle<> handle : running_)
            handle.resume();
        const std::size_t count = running_.size();
        running_.clear();
        return count;
    }

  private:
    std::vector<std::coroutine_handle<>> queued_;
    std::vector<std::coroutine_handle<>> running_;
};

/// The coroutine that awaits one operation; from ended() until it runs it is still awaiting.
class Waiter {
  public:
    void wait(std::coroutine_handle<> handle) noexcept {
        HEADROOM_ASSERT(!handle_); // one at a time
        handle_ = handle;
        ended_ = false;
    }
    /// Whether somebody awaits and the operation has not ended yet.
    bool waiting() const noexcept { return handle_ && !ended_; }
    /// Whether somebody awaits, ended or not.
    bool present() const noexcept { return static_cast<bool>(handle_); }
    /// The operation has its result: the waiter runs soon. Nothing happens without one.
    void end(ReadyQueue& ready) {
        if (!waiting()) return;
        ended_ = true;
        ready.push(handle_);
    }
    /// The waiter runs again.
    void clear() noexcept { handle_ = {}; }

  private:
    std::coroutine_handle<> handle_;
    bool ended_ = false;
};

} // namespace headroom::net
