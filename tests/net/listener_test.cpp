// Listener: every connection once, a pause without descriptors, a stop that loses nobody it has accepted.
#include "tests/net/loop_fixture.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace headroom::net {
namespace {

class ListenerTest : public LoopTest {
  protected:
    struct Accepted {
        std::vector<Socket> sockets;
        std::optional<Error> error;
    };
    static Task<void> accept_all(Listener* listener, Accepted* into) {
        while (true) {
            Result<Socket> accepted = co_await listener->accept();
            if (!accepted.ok()) {
                into->error = accepted.error();
                co_return;
            }
            into->sockets.push_back(std::move(*accepted));
        }
    }
    static Task<void> accept_one(Listener* listener, Accepted* into) {
        Result<Socket> accepted = co_await listener->accept();
        if (accepted.ok()) {
            into->sockets.push_back(std::move(*accepted));
        } else {
            into->error = accepted.error();
        }
    }
    static ListenOptions on(std::string_view address) {
        return ListenOptions{.endpoint = *Endpoint::parse(address, 0)};
    }
    /// A client that has begun to connect.
    static Descriptor client_of(const Endpoint& endpoint) {
        Descriptor client(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const int result = ::connect(client.get(), endpoint.address(), endpoint.length());
        EXPECT_TRUE(result == 0 || errno == EINPROGRESS);
        return client;
    }
};

TEST_F(ListenerTest, AcceptsEveryConnectionOnce) {
    Listener listener(loop_, on("127.0.0.1"));
    EXPECT_NE(listener.local().port(), 0);
    Accepted accepted;
    start(accept_all(&listener, &accepted));
    std::vector<Descriptor> clients;
    clients.reserve(500);
    for (int i = 0; i < 500; ++i)
        clients.push_back(client_of(listener.local()));
    run_until([&] { return accepted.sockets.size() == clients.size(); });
    settle();
    EXPECT_EQ(accepted.sockets.size(), clients.size());
    listener.stop();
    run_until([&] { return accepted.error.has_value(); });
    EXPECT_EQ(accepted.error->code, ErrorCode::cancelled);
}

TEST_F(ListenerTest, WaitsWithConnectionsNobodyAsksFor) {
    Listener listener(loop_, on("127.0.0.1"));
    std::vector<Descriptor> clients;
    clients.reserve(400);
    for (int i = 0; i < 400; ++i)
        clients.push_back(client_of(listener.local()));
    settle();
    Accepted accepted;
    start(accept_all(&listener, &accepted));
    run_until([&] { return accepted.sockets.size() == clients.size(); });
    listener.stop();
    run_until([&] { return accepted.error.has_value(); });
}

TEST_F(ListenerTest, ListensOnIpv6) {
    Listener listener(loop_, on("::1"));
    Accepted accepted;
    start(accept_one(&listener, &accepted));
    const Descriptor client = client_of(listener.local());
    run_until([&] { return accepted.sockets.size() == 1; });
    EXPECT_EQ(accepted.sockets[0].peer().host_text(), "::1");
}

TEST_F(ListenerTest, StopRefusesTheBacklogAndLaterClients) {
    Listener listener(loop_, on("127.0.0.1"));
    const Endpoint endpoint = listener.local();
    Accepted accepted;
    start(accept_one(&listener, &accepted));
    settle();
    listener.stop();
    listener.stop();
    run_until([&] { return accepted.error.has_value(); });
    EXPECT_EQ(accepted.error->code, ErrorCode::cancelled);
    Accepted again;
    start(accept_one(&listener, &again));
    EXPECT_TRUE(again.error.has_value()) << "every later accept() ends at once";
    settle();
    const Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_NE(::connect(late.get(), endpoint.address(), endpoint.length()), 0);
    EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(ListenerTest, NamesTheAddressItCannotHave) {
    const ListenOptions alone{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false};
    const Listener first(loop_, alone);
    try {
        const Listener second(loop_, ListenOptions{.endpoint = first.local(), .reuse_port = false});
        FAIL() << "listened twice";
    } catch (const std::system_error& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("cannot listen on " + first.local().text()), std::string::npos) << text;
        EXPECT_EQ(error.code().value(), EADDRINUSE);
    }
}

TEST_F(ListenerTest, SeveralShardsMayShareAPort) {
    const Listener first(loop_, on("127.0.0.1"));
    const Listener second(loop_, ListenOptions{.endpoint = first.local()});
    EXPECT_EQ(first.local(), second.local());
}

/// Accepting without free descriptors, in a process of its own; 0 when it paused without spinning and
/// recovered.
class Exhaustion : public ListenerTest {
  public:
    int run() {
        Listener listener(loop_, on("127.0.0.1"));
        std::vector<Descriptor> clients;
        clients.reserve(8);
        for (int i = 0; i < 8; ++i)
            clients.push_back(client_of(listener.local()));
        std::vector<Descriptor> hoard;
        const rlimit low{.rlim_cur = 64, .rlim_max = 64};
        if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 2;
        for (int copy = ::dup(1); copy >= 0; copy = ::dup(1))
            hoard.emplace_back(copy);
        Accepted accepted;
        start(accept_all(&listener, &accepted));
        int turns = 0;
        for (const Time until = loop_.now() + std::chrono::milliseconds(400); loop_.now() < until; ++turns) {
            loop_.turn(std::chrono::milliseconds(400));
        }
        if (!accepted.sockets.empty() || accepted.error) return 3;
        if (turns > 100) return 4; // a few tries, not a spin
        hoard.clear();
        run_until([&] { return accepted.sockets.size() == clients.size(); });
        listener.stop();
        run_until([&] { return accepted.error.has_value(); });
        accepted.sockets.clear();
        return HasFailure() ? 5 : 0;
    }
    void TestBody() override {}
};

TEST(ListenerDeathTest, PausesWithoutDescriptorsAndGoesOn) {
    EXPECT_EXIT(
        {
            int result = 1;
            {
                Exhaustion exhaustion;
                result = exhaustion.run();
            }
            std::_Exit(result);
        },
        testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace headroom::net
