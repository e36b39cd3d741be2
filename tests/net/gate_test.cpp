// Gate: what is spawned is counted until its frame is gone, and close() waits for the last.
#include "net/gate.hpp"

#include <gtest/gtest.h>

#include <coroutine>
#include <utility>
#include <vector>

namespace headroom::net {
namespace {

/// Holds everybody who waits until release().
struct Stop {
    std::vector<std::coroutine_handle<>> waiting;
    struct Awaiter {
        Stop& stop;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const { stop.waiting.push_back(handle); }
        void await_resume() const noexcept {}
    };
    Awaiter operator co_await() { return Awaiter{*this}; }
    void release() {
        for (const std::coroutine_handle<> handle : std::exchange(waiting, {}))
            handle.resume();
    }
};

Task<void> stay(Stop* stop, int* finished) {
    co_await *stop;
    ++*finished;
}

Task<void> close_and_mark(Gate* gate, bool* open) {
    co_await gate->close();
    *open = false;
}

TEST(GateTest, CountsTasksUntilTheyEnd) {
    Gate gate;
    Stop stop;
    int finished = 0;
    EXPECT_TRUE(gate.spawn(stay(&stop, &finished)));
    EXPECT_TRUE(gate.spawn(stay(&stop, &finished)));
    EXPECT_EQ(gate.inside(), 2U);
    stop.release();
    EXPECT_EQ(finished, 2);
    EXPECT_EQ(gate.inside(), 0U);
}

TEST(GateTest, AClosedGateStartsNothing) {
    Gate gate;
    Gate other;
    Stop stop;
    int finished = 0;
    bool open = true;
    EXPECT_TRUE(other.spawn(close_and_mark(&gate, &open)));
    EXPECT_FALSE(open) << "nobody is inside: closing is immediate";
    EXPECT_TRUE(gate.closed());
    EXPECT_FALSE(gate.spawn(stay(&stop, &finished)));
    EXPECT_TRUE(stop.waiting.empty());
}

TEST(GateTest, CloseWaitsForTheLast) {
    Gate gate;
    Gate other;
    Stop first;
    Stop second;
    int finished = 0;
    bool open = true;
    EXPECT_TRUE(gate.spawn(stay(&first, &finished)));
    EXPECT_TRUE(gate.spawn(stay(&second, &finished)));
    EXPECT_TRUE(other.spawn(close_and_mark(&gate, &open)));
    first.release();
    EXPECT_TRUE(open);
    second.release();
    EXPECT_FALSE(open);
    EXPECT_EQ(finished, 2);
    EXPECT_EQ(other.inside(), 0U);
}

struct Resource {
    bool* released;
    explicit Resource(bool* flag) : released(flag) {}
    Resource(Resource&& other) noexcept : released(std::exchange(other.released, nullptr)) {}
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    Resource& operator=(Resource&&) = delete;
    ~Resource() {
        if (released != nullptr) *released = true;
    }
};

Task<void> hold(Stop* stop, Resource resource) {
    const Resource held = std::move(resource);
    co_await *stop;
}

Task<void> note_release(Gate* gate, const bool* released, bool* was_released) {
    co_await gate->close();
    *was_released = *released;
}

TEST(GateTest, WhatATaskOwnsIsGoneBeforeTheGateOpens) {
    Gate gate;
    Gate other;
    Stop stop;
    bool released = false;
    bool was_released = false;
    EXPECT_TRUE(gate.spawn(hold(&stop, Resource(&released))));
    EXPECT_TRUE(other.spawn(note_release(&gate, &released, &was_released)));
    stop.release();
    EXPECT_TRUE(was_released);
}

} // namespace
} // namespace headroom::net
