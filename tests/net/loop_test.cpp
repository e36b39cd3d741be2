// Loop itself: turns, resuming, deadlines, waking, numbers, and the probe where the kernel says no.
#include "tests/net/loop_fixture.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace headroom::net {
namespace {

class LoopTurnTest : public LoopTest {};

/// Goes on in a turn of the loop.
struct Soon {
    Loop& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { loop.resume_soon(handle); }
    void await_resume() const noexcept {}
};

Task<void> log_twice(Loop* loop, std::string name, std::string* log) {
    *log += name;
    co_await Soon{*loop};
    *log += name;
}

TEST_F(LoopTurnTest, ResumesSoonInOrderAndNotAtOnce) {
    std::string log;
    start(log_twice(&loop_, "a", &log));
    start(log_twice(&loop_, "b", &log));
    EXPECT_EQ(log, "ab");
    EXPECT_TRUE(loop_.turn(std::chrono::hours(1))) << "must not sleep with something to resume";
    EXPECT_EQ(log, "abab");
    EXPECT_FALSE(loop_.turn(Duration::zero()));
}

struct StopAt {
    Loop* loop;
    static void expired(void* self) { static_cast<StopAt*>(self)->loop->stop(); }
};

TEST_F(LoopTurnTest, RunSleepsUntilADeadlineAndEndsWithStop) {
    StopAt stop{&loop_};
    Deadline deadline(loop_.deadlines(), StopAt::expired, &stop);
    const Time before = loop_.now();
    deadline.arm(before + std::chrono::milliseconds(50));
    loop_.run();
    EXPECT_GE(loop_.now() - before, std::chrono::milliseconds(50));
}

TEST_F(LoopTurnTest, TheHookRunsAfterAWake) {
    int woken = 0;
    loop_.on_wake([](void* counter) { ++*static_cast<int*>(counter); }, &woken);
    settle();
    EXPECT_EQ(woken, 0);
    loop_.wake();
    loop_.wake();
    run_until([&] { return woken > 0; });
    settle();
    EXPECT_EQ(woken, 1) << "two wakes before a turn are one";
    loop_.wake();
    run_until([&] { return woken == 2; });
}

TEST_F(LoopTurnTest, TheSameSeedDrawsTheSameNumbers) {
    Loop first(LoopOptions{.seed = 7});
    Loop second(LoopOptions{.seed = 7});
    Loop other(LoopOptions{.seed = 8});
    Loop drawn;
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t number = first.random();
        EXPECT_EQ(number, second.random());
        differs = differs || (number != other.random() && number != drawn.random());
    }
    EXPECT_TRUE(differs);
}

TEST_F(LoopTurnTest, KnowsBothTimes) {
    const Time before = loop_.now();
    loop_.turn(std::chrono::milliseconds(2));
    EXPECT_GT(loop_.now(), before);
    EXPECT_GT(loop_.wall_now().time_since_epoch(), std::chrono::hours(24) * 365 * 50);
}

TEST_F(LoopTurnTest, SpinningStillSleepsInTheEnd) {
    Loop loop(LoopOptions{.spin = std::chrono::microseconds(200)});
    EXPECT_FALSE(loop.turn(std::chrono::milliseconds(5)));
    loop.wake();
    EXPECT_TRUE(loop.turn(std::chrono::seconds(5)));
}

TEST_F(LoopTurnTest, ASmallPoolIsNotEatenByTheRings) {
    Loop loop(LoopOptions{.memory_bytes_max = 512 * 1024});
    EXPECT_LE(loop.buffers().bytes_in_use(), 256U * 1024);
    EXPECT_TRUE(loop.buffers().has_room_for(256 * 1024));
}

TEST(LoopProbeTest, SaysYesHere) {
    EXPECT_EQ(Loop::probe(), "");
}

/// Makes the kernel answer one system call with an error, for this process and for good.
bool forbid(long call, int error_number) {
    const auto code = [](int value) { return static_cast<unsigned short>(value); };
    std::array<sock_filter, 4> program{{
        {code(BPF_LD | BPF_W | BPF_ABS), 0, 0, offsetof(seccomp_data, nr)},
        {code(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, static_cast<unsigned>(call)},
        {code(BPF_RET | BPF_K), 0, 0, SECCOMP_RET_ERRNO | static_cast<unsigned>(error_number)},
        {code(BPF_RET | BPF_K), 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Probes in a process where `call` is forbidden; exits with 0 when the text says `expected`.
[[noreturn]] void probe_without(long call, int error_number, const std::string& expected) {
    if (!forbid(call, error_number)) std::_Exit(3);
    const std::string text = Loop::probe();
    std::fprintf(stderr, "probe says: %s\n", text.c_str());
    std::_Exit(text.find(expected) != std::string::npos ? 0 : 1);
}

TEST(LoopProbeDeathTest, SaysWhyNotWhereACallIsForbidden) {
    if (Loop::name() != "io_uring") GTEST_SKIP() << "only io_uring is forbidden in the wild";
    const auto ok = testing::ExitedWithCode(0);
    EXPECT_EXIT(probe_without(SYS_io_uring_setup, EPERM, "seccomp"), ok, "io_uring_setup: not permitted");
    EXPECT_EXIT(probe_without(SYS_io_uring_setup, ENOSYS, "no io_uring"), ok, "io_uring_setup");
    EXPECT_EXIT(probe_without(SYS_io_uring_enter, EPERM, "seccomp"), ok, "io_uring_enter: not permitted");
    EXPECT_EXIT(probe_without(SYS_io_uring_enter, ENOSYS, "no io_uring"), ok, "io_uring_enter");
    EXPECT_EXIT(probe_without(SYS_io_uring_register, EPERM, "seccomp"), ok, "buffer ring: not permitted");
    EXPECT_EXIT(probe_without(SYS_io_uring_register, EINVAL, "too old"), ok, "buffer ring: the kernel");
}

} // namespace
} // namespace headroom::net
