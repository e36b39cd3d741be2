// What a loop shares with other threads: wake(), and being made, run and destroyed on different ones.
#include "net/gate.hpp"
#include "net/loop.hpp"
#include "tests/net/loop_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace headroom::net {
namespace {

struct Mail {
    Loop* loop;
    std::atomic<int> sent{0};
    int seen = 0;
    int expected;
    static void look(void* self) {
        auto& mail = *static_cast<Mail*>(self);
        // Acquire pairs with the senders' release: what they wrote before wake() is seen.
        mail.seen = mail.sent.load(std::memory_order_acquire);
        if (mail.seen == mail.expected) mail.loop->stop();
    }
};

TEST(LoopThreadsTest, EveryWakeIsSeen) {
    constexpr int threads = 3;
    constexpr int wakes = 2000;
    Loop loop;
    Mail mail{.loop = &loop, .expected = threads * wakes};
    loop.on_wake(Mail::look, &mail);
    std::vector<std::thread> senders;
    senders.reserve(threads);
    for (int i = 0; i < threads; ++i) {
        senders.emplace_back([&loop, &mail] {
            for (int n = 0; n < wakes; ++n) {
                mail.sent.fetch_add(1, std::memory_order_release); // before wake(): see Mail::look
                loop.wake();
            }
        });
    }
    loop.run();
    for (std::thread& sender : senders)
        sender.join();
    EXPECT_EQ(mail.seen, threads * wakes);
}

Task<void> serve_one(Listener* listener, Loop* loop) {
    Result<Socket> accepted = co_await listener->accept();
    if (accepted.ok()) {
        Result<Slice> request = co_await accepted->receive();
        if (request.ok()) {
            iovec piece{request->mutable_data(), request->size()};
            (void)co_await accepted->send({&piece, 1});
        }
        accepted->close();
    }
    loop->stop();
}

TEST(LoopThreadsTest, MadeHereRunThereDestroyedHere) {
    auto loop = std::make_unique<Loop>();
    auto listener =
        std::make_unique<Listener>(*loop, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0)});
    const Endpoint endpoint = listener->local();
    Gate gate;
    EXPECT_TRUE(gate.spawn(serve_one(listener.get(), loop.get())));
    std::thread worker([&loop] { loop->run(); });
    Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), endpoint.address(), endpoint.length()), 0);
    client.write("ping");
    worker.join();
    std::string echoed;
    while (!client.ended && echoed.size() < 4)
        echoed += client.read_some();
    EXPECT_EQ(echoed, "ping");
    EXPECT_EQ(gate.inside(), 0U);
    listener.reset();
    loop.reset();
}

/// A socket that is open and armed when its loop's thread ends.
Task<void> accept_into(Listener* listener, Socket* into, Loop* loop) {
    Result<Socket> accepted = co_await listener->accept();
    if (accepted.ok()) *into = std::move(*accepted);
    loop->stop();
}

TEST(LoopThreadsTest, SocketsMayBeClosedAfterTheLoopsThreadEnded) {
    auto loop = std::make_unique<Loop>();
    auto listener =
        std::make_unique<Listener>(*loop, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0)});
    const Endpoint endpoint = listener->local();
    Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), endpoint.address(), endpoint.length()), 0);
    Socket socket;
    Gate gate;
    EXPECT_TRUE(gate.spawn(accept_into(listener.get(), &socket, loop.get())));
    std::thread worker([&loop] {
        loop->run();
        loop->turn(Duration::zero()); // arms the receive
        loop->turn(Duration::zero());
    });
    worker.join();
    EXPECT_TRUE(socket.open());
    socket.close();
    listener.reset();
    loop.reset();
    for (int turns = 0; turns < 1'000'000 && !client.ended && !client.was_reset; ++turns)
        client.read_some();
    EXPECT_TRUE(client.ended || client.was_reset);
}

} // namespace
} // namespace headroom::net
