// Task: lazy, awaited once, resumed by symmetric transfer however deep or long the chain is.
#include "net/task.hpp"

#include "net/result.hpp"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

namespace headroom::net {
namespace {

/// Suspends its awaiter until open() is called.
struct Door {
    std::coroutine_handle<> waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { waiter = handle; }
    void await_resume() const noexcept {}
    void open() { std::exchange(waiter, {}).resume(); }
};

/// Runs a task from plain code, as the loop would.
struct Runner {
    struct promise_type { // NOLINT(readability-identifier-naming): the language's name
        Runner get_return_object() {
            return Runner{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
    explicit Runner(std::coroutine_handle<promise_type> coroutine) : handle(coroutine) {}
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner() { handle.destroy(); }
    bool done() const { return handle.done(); }
};

Runner run(Task<void> task) {
    co_await task;
}

template <typename T>
Task<void> store(Task<T> task, T* into) {
    *into = co_await task;
}

Task<void> mark(bool* ran) {
    *ran = true;
    co_return;
}

Task<int> add(int a, int b) {
    co_return a + b;
}

Task<int> sum_to(int n) {
    if (n == 0) co_return 0;
    const int rest = co_await sum_to(n - 1);
    co_return co_await add(rest, n);
}

TEST(TaskTest, IsLazy) {
    bool ran = false;
    Task<void> task = mark(&ran);
    EXPECT_FALSE(ran);
    const Runner runner = run(std::move(task));
    EXPECT_TRUE(ran);
    EXPECT_TRUE(runner.done());
}

TEST(TaskTest, AnUnawaitedTaskIsDestroyedWithoutRunning) {
    bool ran = false;
    {
        const Task<void> task = mark(&ran);
    }
    EXPECT_FALSE(ran);
}

TEST(TaskTest, ReturnsThroughManyFrames) {
    int sum = 0;
    const Runner runner = run(store(sum_to(1000), &sum));
    EXPECT_TRUE(runner.done());
    EXPECT_EQ(sum, 500'500);
}

Task<std::unique_ptr<std::string>> move_only() {
    co_return std::make_unique<std::string>("moved, not copied");
}

TEST(TaskTest, CarriesMoveOnlyValues) {
    std::unique_ptr<std::string> value;
    const Runner runner = run(store(move_only(), &value));
    EXPECT_EQ(*value, "moved, not copied");
}

Task<void> count_to(int n, int* counter) {
    for (int i = 0; i < n; ++i)
        *counter = co_await add(*counter, 1);
}

TEST(TaskTest, ALoopOfReadyTasksNeedsNoStack) {
    int counter = 0;
    const Runner runner = run(count_to(1'000'000, &counter));
    EXPECT_TRUE(runner.done());
    EXPECT_EQ(counter, 1'000'000);
}

Task<void> through(Door* door, std::string* log) {
    *log += "before ";
    co_await *door;
    *log += "after";
}

Task<void> outer(Door* door, std::string* log) {
    co_await through(door, log);
    *log += " end";
}

TEST(TaskTest, SuspendsAndResumesTheWholeChain) {
    Door door;
    std::string log;
    const Runner runner = run(outer(&door, &log));
    EXPECT_FALSE(runner.done());
    EXPECT_EQ(log, "before ");
    door.open();
    EXPECT_TRUE(runner.done());
    EXPECT_EQ(log, "before after end");
}

struct Guard {
    int* alive;
    explicit Guard(int* counter) : alive(counter) { ++*alive; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { --*alive; }
};

Task<void> guarded(Door* door, int* alive) {
    const Guard guard(alive);
    co_await *door;
}

TEST(TaskTest, DestroyingASuspendedTaskDestroysItsLocals) {
    Door door;
    int alive = 0;
    {
        const Runner runner = run(guarded(&door, &alive));
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
}

Task<Result<int>> failing() {
    co_return Error{ErrorCode::refused, Side::backend, true};
}

Task<void> expect_failure(bool* seen) {
    const Result<int> result = co_await failing();
    *seen = !result.ok() && result.error() == Error{ErrorCode::refused, Side::backend, true};
}

TEST(TaskTest, ReturnsErrorsAsValues) {
    bool seen = false;
    const Runner runner = run(expect_failure(&seen));
    EXPECT_TRUE(seen);
}

TEST(TaskTest, FramesAreReusedOnTheirThread) {
    void* frame = allocate_frame(200);
    release_frame(frame, 200);
    void* next = allocate_frame(256);
    release_frame(next, 256);
    void* huge = allocate_frame(100'000);
    ASSERT_NE(huge, nullptr);
    release_frame(huge, 100'000);
}

} // namespace
} // namespace headroom::net
