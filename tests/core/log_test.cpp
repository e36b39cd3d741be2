// Log lines: whole or not at all, in order, whatever the reader does.
#include "core/log_pump.hpp"
#include "core/log_ring.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <thread>

namespace headroom::core {
namespace {

TEST(LogRing, GivesBackWhatWasPushed) {
    LogRing ring(64);
    EXPECT_TRUE(ring.empty());
    EXPECT_TRUE(ring.push("hello\n"));
    EXPECT_TRUE(ring.push("world\n"));
    std::string out;
    EXPECT_EQ(ring.drain(out), 12U);
    EXPECT_EQ(out, "hello\nworld\n");
    EXPECT_TRUE(ring.empty());
}

TEST(LogRing, WrapsAroundAndDropsWholeLinesWhenFull) {
    LogRing ring(16);
    std::string expected;
    std::string out;
    for (int i = 0; i < 100; ++i) {
        const std::string line = std::to_string(i) + "\n";
        ASSERT_TRUE(ring.push(line));
        expected += line;
        ring.drain(out);
    }
    EXPECT_EQ(out, expected);
    EXPECT_TRUE(ring.push("0123456789ABCDE\n"));
    EXPECT_FALSE(ring.push("x"));
    out.clear();
    ring.drain(out);
    EXPECT_EQ(out, "0123456789ABCDE\n");
}

TEST(LogRing, TwoThreadsAgree) {
    LogRing ring(256);
    constexpr int lines = 20'000;
    std::thread producer([&] {
        for (int i = 0; i < lines; ++i) {
            while (!ring.push(std::to_string(i) + "\n"))
                std::this_thread::yield();
        }
    });
    std::string out;
    int next = 0;
    while (next < lines) {
        ring.drain(out);
        std::size_t at = 0;
        for (std::size_t end = out.find('\n'); end != std::string::npos; end = out.find('\n', at)) {
            ASSERT_EQ(out.substr(at, end - at), std::to_string(next++));
            at = end + 1;
        }
        out.erase(0, at);
    }
    producer.join();
}

TEST(LogPump, WritesEverythingBeforeItEnds) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::string read_back;
    std::thread reader([&] {
        char bytes[4096];
        for (ssize_t count = read(ends[0], bytes, sizeof bytes); count > 0;
             count = read(ends[0], bytes, sizeof bytes)) {
            read_back.append(bytes, static_cast<std::size_t>(count));
        }
    });
    {
        LogPump pump(ends[1], 2);
        std::thread other([&] {
            for (int i = 0; i < 1000; ++i)
                ASSERT_TRUE(pump.write(1, "b\n"));
        });
        for (int i = 0; i < 1000; ++i)
            ASSERT_TRUE(pump.write(0, "a\n"));
        other.join();
    }
    close(ends[1]);
    reader.join();
    close(ends[0]);
    EXPECT_EQ(read_back.size(), 4000U);
    EXPECT_EQ(std::count(read_back.begin(), read_back.end(), 'a'), 1000);
}

TEST(LogPump, NobodyReadingLosesLinesButNeverWaits) {
    std::signal(SIGPIPE, SIG_IGN); // as main does
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    {
        LogPump pump(ends[1], 1);
        const std::string line(1000, 'x');
        bool dropped = false;
        for (int i = 0; i < 10'000 && !dropped; ++i)
            dropped = !pump.write(0, line);
        EXPECT_TRUE(dropped);
        close(ends[0]); // the pump's write fails from now on, so that it can end
    }
    close(ends[1]);
}

} // namespace
} // namespace headroom::core
