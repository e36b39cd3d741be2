// LoopTest and the plain descriptors at the other end of its sockets.
#include "tests/net/loop_fixture.hpp"

#include "net/random.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace headroom::net {
namespace {

Task<void> accept_one(Listener* listener, Socket* into, bool* done) {
    Result<Socket> accepted = co_await listener->accept();
    if (accepted.ok()) *into = std::move(*accepted);
    *done = true;
}

Endpoint loopback() {
    return *Endpoint::parse("127.0.0.1", 0);
}

} // namespace

void Descriptor::close() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
}

void Descriptor::reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(value_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void Descriptor::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(value_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        ASSERT_GT(sent, 0) << std::strerror(errno);
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::size_t Descriptor::write_some(std::string_view bytes) const {
    const ssize_t sent = ::send(value_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::string Descriptor::read_some(std::size_t bytes_max) {
    std::string bytes(bytes_max, '\0');
    const ssize_t received = ::recv(value_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (received == 0) ended = true;
    if (received < 0 && errno == ECONNRESET) was_reset = true;
    bytes.resize(received > 0 ? static_cast<std::size_t>(received) : 0);
    return bytes;
}

LoopTest::LoopTest(const LoopOptions& options) : loop_(options) {}

LoopTest::~LoopTest() {
    run_until([this] { return gate_.inside() == 0; });
}

void LoopTest::run_until(const std::function<bool()>& done, int turns_max) {
    for (int turns = 0; !done(); ++turns) {
        ASSERT_LT(turns, turns_max) << "what the test waits for did not happen";
        loop_.turn(std::chrono::milliseconds(20));
    }
}

void LoopTest::settle() {
    for (int idle = 0, turns = 0; idle < 2 && turns < 1000; ++turns) {
        idle = loop_.turn(std::chrono::milliseconds(1)) ? 0 : idle + 1;
    }
}

void LoopTest::start(Task<void> task) {
    ASSERT_TRUE(gate_.spawn(std::move(task)));
}

LoopTest::Connection LoopTest::accepted(int receive_buffer_bytes) {
    Listener listener(loop_, ListenOptions{.endpoint = loopback(), .reuse_port = false});
    Connection connection;
    connection.peer = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer_bytes != 0) {
        ::setsockopt(connection.peer.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                     sizeof receive_buffer_bytes);
    }
    const Endpoint endpoint = listener.local();
    bool done = false;
    start(accept_one(&listener, &connection.socket, &done));
    EXPECT_EQ(::connect(connection.peer.get(), endpoint.address(), endpoint.length()), 0);
    run_until([&done] { return done; });
    EXPECT_TRUE(connection.socket.open());
    return connection;
}

LoopTest::Connection LoopTest::connected() {
    Connection connection;
    const Descriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Endpoint endpoint = loopback();
    EXPECT_EQ(::bind(listening.get(), endpoint.address(), endpoint.length()), 0);
    EXPECT_EQ(::listen(listening.get(), 1), 0);
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    endpoint = *Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
    connection.socket = Socket(loop_, Side::backend);
    std::optional<Result<void>> result;
    start(connect_to(&connection.socket, endpoint, &result));
    run_until([&result] { return result.has_value(); });
    EXPECT_TRUE(result.has_value() && result->ok());
    connection.peer = Descriptor(::accept(listening.get(), nullptr, nullptr));
    return connection;
}

std::string noise(std::size_t bytes, std::uint64_t seed) {
    Random random(seed);
    std::string text(bytes, '\0');
    for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
        const std::uint64_t word = random.next();
        std::memcpy(text.data() + at, &word, std::min(sizeof word, bytes - at));
    }
    return text;
}

Task<void> receive_all(Socket* socket, Received* into, std::size_t bytes_max) {
    while (into->bytes.size() < bytes_max) {
        Result<Slice> received = co_await socket->receive();
        if (!received.ok()) {
            into->error = received.error();
            co_return;
        }
        if (received->empty()) {
            into->ended = true;
            co_return;
        }
        into->bytes += received->view();
    }
}

Task<void> send_text(Socket* socket, std::string text, std::optional<Result<void>>* result) {
    std::vector<iovec> pieces{{text.data(), text.size()}};
    *result = co_await socket->send(pieces);
}

Task<void> connect_to(Socket* socket, Endpoint endpoint, std::optional<Result<void>>* result) {
    *result = co_await socket->connect(endpoint);
}

} // namespace headroom::net
