// TLS streams against programs that others wrote: the openssl command and curl, in both roles.
#include "tests/net/tls_fixture.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace headroom::net {
namespace {

using testing::HasSubstr;

/// A program with pipes to its input and output; killed when it is still there at the end.
class Program {
  public:
    explicit Program(const std::vector<std::string>& arguments) {
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
        std::vector<char*> values;
        values.reserve(arguments.size() + 1);
        for (const std::string& argument : arguments)
            values.push_back(const_cast<char*>(argument.c_str()));
        values.push_back(nullptr);
        missing_ = ::posix_spawnp(&pid_, values[0], &actions, nullptr, values.data(), environ) != 0;
        posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        input_ = Descriptor(in[1]);
        output_ = Descriptor(out[0]);
        ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        if (missing_ || reaped_) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    bool missing() const { return missing_; }
    void type(std::string_view text) const {
        EXPECT_EQ(::write(input_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    /// Everything it has printed so far.
    const std::string& printed() {
        std::array<char, 4096> part{};
        for (ssize_t count = 0; (count = ::read(output_.get(), part.data(), part.size())) > 0;)
            text_.append(part.data(), static_cast<std::size_t>(count));
        return text_;
    }
    bool prints(std::string_view wanted) { return printed().find(wanted) != std::string::npos; }
    /// Its exit code once it has ended.
    std::optional<int> exit_code() {
        int status = 0;
        if (!reaped_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
            reaped_ = true;
            code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        return reaped_ ? std::optional(code_) : std::nullopt;
    }

  private:
    pid_t pid_ = -1;
    bool missing_ = false;
    bool reaped_ = false;
    int code_ = 0;
    Descriptor input_;
    Descriptor output_;
    std::string text_;
};

/// Accepts one connection, answers the first bytes with `answer`, and ends in order.
Task<void> serve_once(Listener* listener, TlsContext* context, std::string answer, std::string* asked) {
    Result<Socket> socket = co_await listener->accept();
    if (!socket.ok()) co_return;
    Stream stream(std::move(*socket));
    if (!(co_await stream.accept_tls(*context)).ok()) co_return;
    Result<Slice> received = co_await stream.receive();
    if (!received.ok()) co_return;
    *asked = received->view();
    iovec piece{answer.data(), answer.size()};
    if ((co_await stream.send({&piece, 1})).ok()) co_await stream.finish();
    // The other side's goodbye, so that closing does not reset the connection.
    while (received.ok() && !received->empty())
        received = co_await stream.receive();
}

class TlsInteropTest : public TlsTest {
  protected:
    TlsInteropTest()
        : context_(server_context()),
          listener_(loop_, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false}) {
    }

    void serve(std::string answer) {
        start(serve_once(&listener_, context_.get(), std::move(answer), &asked_));
    }
    std::string port() const { return std::to_string(listener_.local().port()); }
    void TearDown() override {
        listener_.stop();
        run_until([this] { return gate_.inside() == 0; });
    }

    std::unique_ptr<TlsContext> context_;
    Listener listener_;
    std::string asked_;
};

TEST_F(TlsInteropTest, OpensslSClientIsServed) {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        Program client({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-servername", "localhost",
                        "-CAfile", TestAuthority::shared().file(), "-verify_return_error", "-verify_hostname",
                        "localhost", "-quiet", version});
        if (client.missing()) GTEST_SKIP() << "no openssl command";
        serve("an answer in clear\n");
        client.type("a question\n");
        run_until([&] { return client.exit_code().has_value(); });
        EXPECT_EQ(*client.exit_code(), 0) << client.printed();
        EXPECT_THAT(client.printed(), HasSubstr("an answer in clear"));
        EXPECT_EQ(asked_, "a question\n");
    }
}

TEST_F(TlsInteropTest, CurlIsServed) {
    const std::string body = noise(100'000, 3);
    const std::string address = "localhost:" + port();
    Program curl({"curl", "-sS", "--cacert", TestAuthority::shared().file(), "--noproxy", "*", "--resolve",
                  address + ":127.0.0.1", "--max-time", "20", "-w",
                  "%{http_version} %{size_download} %{ssl_verify_result}", "-o", "/dev/null",
                  "https://" + address + "/"});
    if (curl.missing()) GTEST_SKIP() << "no curl command";
    serve("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    run_until([&] { return curl.exit_code().has_value(); });
    EXPECT_EQ(*curl.exit_code(), 0) << curl.printed();
    EXPECT_EQ(curl.printed(), "1.1 100000 0");
    EXPECT_THAT(asked_, HasSubstr("GET / HTTP/1.1\r\n"));
}

TEST_F(TlsInteropTest, OpensslSServerIsConnectedTo) {
    const Identity identity = TestAuthority::shared().issue();
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        Program server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", identity.certificate_file,
                        "-key", identity.key_file, "-rev", "-alpn", "http/1.1", version});
        if (server.missing()) GTEST_SKIP() << "no openssl command";
        run_until([&] { return server.prints("ACCEPT") && server.printed().ends_with('\n'); });
        const std::string printed = server.printed();
        const std::size_t at = printed.find("ACCEPT 127.0.0.1:");
        ASSERT_NE(at, std::string::npos) << printed;
        const auto port = static_cast<std::uint16_t>(std::stoi(printed.substr(at + 17)));
        Stream stream(Socket(loop_, Side::backend));
        std::optional<Result<void>> done;
        start(connect_to(&stream.socket(), *Endpoint::parse("127.0.0.1", port), &done));
        run_until([&] { return done.has_value(); });
        ASSERT_TRUE(done->ok());
        done.reset();
        start(await_result(stream.connect_tls(*client_context(), "localhost"), &done));
        run_until([&] { return done.has_value(); });
        ASSERT_TRUE(done->ok()) << stream.tls()->failure();
        Received received;
        std::optional<Result<void>> sent;
        start(send_stream(&stream, {"abc", "def\n"}, &sent));
        start(receive_stream(&stream, &received, 7));
        run_until([&] { return received.bytes.size() == 7 && sent.has_value(); });
        EXPECT_EQ(received.bytes, "fedcba\n");
    }
}

} // namespace
} // namespace headroom::net
