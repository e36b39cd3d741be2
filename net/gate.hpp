// Gate: counts the tasks that run unattended, so that a shutdown can await them.
// `spawn` is the only way to start a task that nobody awaits; it runs until it suspends, then the loop drives
// it. One thread. Idea: Seastar's gate.
#pragma once

#include "net/assert.hpp"
#include "net/task.hpp"

#include <coroutine>
#include <cstddef>
#include <utility>

namespace headroom::net {

class Gate {
  public:
    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() { HEADROOM_ASSERT(inside_ == 0); }

    /// One task inside; leaves when destroyed.
    class Pass {
      public:
        explicit Pass(Gate& gate) noexcept : gate_(&gate) { ++gate.inside_; }
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        ~Pass() {
            if (gate_ != nullptr) gate_->leave();
        }

      private:
        Gate* gate_;
    };

    std::size_t inside() const noexcept { return inside_; }
    bool closed() const noexcept { return closed_; }

    /// Closes the gate and waits until the last task has left. One waiter.
    auto close() noexcept {
        closed_ = true;
        struct Awaiter {
            Gate& gate;
            bool await_ready() const noexcept { return gate.inside_ == 0; }
            void await_suspend(std::coroutine_handle<> waiter) const noexcept { gate.waiter_ = waiter; }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this};
    }

    /// Starts `task` now; false (and the task never runs) when the gate is closed.
    bool spawn(Task<void> task) {
        if (closed_) return false;
        run(Pass(*this), std::move(task));
        return true;
    }

  private:
    struct Detached {
        struct promise_type { // NOLINT(readability-identifier-naming): the language's name
            Detached get_return_object() const noexcept { return {}; }
            std::suspend_never initial_suspend() const noexcept { return {}; }
            std::suspend_never final_suspend() const noexcept { return {}; }
            [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
            void return_void() const noexcept {}
            static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
            static void operator delete(void* frame, std::size_t bytes) noexcept {
                release_frame(frame, bytes);
            }
        };
    };

    static Detached run(Pass pass, Task<void> task) {
        const Pass inside = std::move(pass);
        Task<void> body = std::move(task);
        co_await body;
        body = Task<void>(); // the frame and what it owns go before the gate may open
    }

    void leave() noexcept {
        HEADROOM_ASSERT(inside_ > 0);
        if (--inside_ == 0 && waiter_) std::exchange(waiter_, {}).resume();
    }

    std::size_t inside_ = 0;
    bool closed_ = false;
    std::coroutine_handle<> waiter_;
};

} // namespace headroom::net
