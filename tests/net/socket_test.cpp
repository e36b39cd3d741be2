// What Socket promises, on whichever loop is linked.
#include "tests/net/loop_fixture.hpp"

namespace headroom::net {
namespace {

class SocketTest : public LoopTest {};

TEST_F(SocketTest, EchoesBothWays) {
    Connection connection = accepted();
    Received received;
    start(receive_all(&connection.socket, &received, 5));
    connection.peer.write("hello");
    run_until([&] { return received.bytes.size() == 5; });
    EXPECT_EQ(received.bytes, "hello");
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, "world", &sent));
    run_until([&] { return sent.has_value(); });
    EXPECT_TRUE(sent->ok());
    std::string echoed;
    run_until([&] { return (echoed += connection.peer.read_some()).size() == 5; });
    EXPECT_EQ(echoed, "world");
}

} // namespace
} // namespace headroom::net
