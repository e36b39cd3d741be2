// Whole runs against a small server on a socket: what is sent, counted, timed and judged.
#include "tools/load/cpu_watch.hpp"
#include "tools/load/report.hpp"
#include "tools/load/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Answers each request (head ends in a blank line, no body) on its connection with what `answer` returns; an
// empty answer closes the connection. One thread per connection.
class Server {
  public:
    explicit Server(std::function<std::string(int request)> answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            ADD_FAILURE() << "no listening socket";
        }
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
        acceptor_ = std::thread{[this] { accept_all(); }};
    }

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join(); // from here on nobody else touches the lists
        for (const int client : clients_)
            ::shutdown(client, SHUT_RDWR);
        for (std::thread& server : servers_)
            server.join();
        for (const int client : clients_)
            ::close(client);
        ::close(listener_);
    }

    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] int requests() const { return requests_; }

  private:
    void accept_all() {
        for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
            clients_.push_back(client);
            servers_.emplace_back([this, client] { serve(client); });
        }
    }

    void serve(int client) {
        std::string got;
        std::array<char, 4096> buffer{};
        while (true) {
            const ssize_t size = ::recv(client, buffer.data(), buffer.size(), 0);
            if (size <= 0) return;
            got.append(buffer.data(), static_cast<std::size_t>(size));
            for (std::size_t end = 0; (end = got.find("\r\n\r\n")) != std::string::npos;
                 got.erase(0, end + 4)) {
                const std::string answer = answer_(requests_++);
                if (answer.empty() || ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
                    ::shutdown(client, SHUT_RDWR);
                    return;
                }
            }
        }
    }

    std::function<std::string(int)> answer_;
    std::string url_;
    int listener_ = -1;
    std::atomic<int> requests_{0};
    std::vector<int> clients_;
    std::vector<std::thread> servers_;
    std::thread acceptor_;
};

Outcome run(const Server& server, std::initializer_list<const char*> arguments) {
    std::vector<const char*> list{arguments};
    list.push_back("--quiet");
    list.push_back(server.url().c_str());
    return run_load(parse_options(list));
}

std::uint64_t failures(const Outcome& outcome, Failure kind) {
    return outcome.tally.failures[static_cast<std::size_t>(kind)];
}

std::string ok(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

TEST(LoadRunThreads, SendsExactlyTheRequestsAskedForAndCountsThem) {
    const Server server{[](int) { return ok("hello"); }};
    const Outcome outcome =
        run(server, {"-n", "101", "-c", "5", "-t", "2", "--same-body", "--expect-length", "5"});
    EXPECT_EQ(server.requests(), 101);
    EXPECT_EQ(outcome.tally.begun, 101U);
    EXPECT_EQ(outcome.tally.succeeded, 101U);
    EXPECT_EQ(outcome.tally.statuses[200], 101U);
    EXPECT_EQ(outcome.tally.latency.count(), 101U);
    EXPECT_EQ(outcome.tally.first_byte.count(), 101U);
    EXPECT_EQ(failures_of(outcome), 0U);
    EXPECT_EQ(outcome.tally.reference.body, "hello");
    EXPECT_GT(outcome.seconds, 0);
}

TEST(LoadRun, SendsAtTheRateAskedForAndNotMore) {
    const Server server{[](int) { return ok("x"); }};
    const Outcome outcome = run(server, {"-r", "200", "-c", "4", "-d", "500ms", "--warmup", "100ms"});
    EXPECT_EQ(outcome.tally.begun, 100U);
    EXPECT_EQ(outcome.tally.succeeded + failures(outcome, Failure::unsent), 100U);
}

// One connection, a request due every millisecond, and a server that first stalls for 100 ms: the requests
// that were due meanwhile have waited, and a latency that begins at the send time would hide it.
TEST(LoadRun, CountsTheWaitForASlowServerAsLatency) {
    const Server server{[](int request) {
        // tidy: allow test_waits: the server's stall is what is measured; nothing is synchronised by it
        if (request == 0) std::this_thread::sleep_for(100ms);
        return ok("x");
    }};
    const Outcome outcome = run(server, {"-r", "1000", "-n", "50"});
    EXPECT_EQ(outcome.tally.succeeded, 50U);
    EXPECT_GE(outcome.tally.latency.min(), 50ms) << "request 49 was due 49 ms after the first";
    EXPECT_GE(outcome.tally.latency.quantile(0.5), 74ms);
    EXPECT_GE(outcome.tally.latency.max(), 99ms);
}

TEST(LoadRun, ReadsStreamsToTheirEnd) {
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    const Server server{[&head](int) {
        return head + "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    }};
    const Outcome outcome = run(server, {"-n", "10", "-c", "2"});
    EXPECT_EQ(outcome.tally.succeeded, 10U);
    EXPECT_EQ(outcome.tally.done.events, 30U);
    EXPECT_EQ(outcome.tally.done.chunks, 30U);
    EXPECT_EQ(outcome.tally.first_event.count(), 10U);
    EXPECT_EQ(outcome.tally.event_gap.count(), 20U);

    const Server cut{[&head](int) { return head + "9\r\ndata: 1\n\n\r\n0\r\n\r\n"; }};
    EXPECT_EQ(failures(run(cut, {"-n", "10", "-c", "2"}), Failure::stream), 10U);
    EXPECT_EQ(failures_of(run(cut, {"-n", "10", "-c", "2", "--any-stream-end"})), 0U);
}

TEST(LoadRunThreads, ReplaysATraceAndOpensAConnectionForEveryRowThatIsDue) {
    std::string name = testing::TempDir() + "headroom-trace-XXXXXX";
    const int file = ::mkstemp(name.data());
    std::string rows = "time,prompt_tokens,completion_tokens\n";
    for (int i = 0; i < 60; ++i)
        rows += "0.5,20,5\n"; // all at once: more than the 16 connections that each worker opens before
    ASSERT_EQ(::write(file, rows.data(), rows.size()), static_cast<ssize_t>(rows.size()));
    ::close(file);
    std::atomic<int> waiting{0};
    std::latch all_asked{60};
    const Server server{[&](int) {
        all_asked
            .arrive_and_wait(); // answered only when every row has been sent, so none may wait for another
        return ++waiting % 3 == 0 ? "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n" : ok("x");
    }};
    const Outcome outcome =
        run(server, {"--trace", name.c_str(), "--time-scale", "10", "-t", "2", "--timeout", "20s"});
    ::unlink(name.c_str());
    EXPECT_EQ(outcome.tally.begun, 60U);
    EXPECT_EQ(outcome.tally.statuses[200], 40U);
    EXPECT_EQ(outcome.tally.statuses[429], 20U);
    EXPECT_EQ(outcome.tally.tokens_answered, 40 * 25);
    ASSERT_TRUE(outcome.trace.has_value());
    EXPECT_EQ(outcome.trace->rows, 60U);
    EXPECT_EQ(outcome.tally.latency.count(), 40U);
    const char* const arguments[] = {"--trace", "x", "http://h"};
    const std::string line = json(parse_options(arguments), outcome);
    EXPECT_THAT(line, HasSubstr(R"("mode":"trace")"));
    EXPECT_THAT(line, HasSubstr(R"("client_429s":20)"));
    EXPECT_THAT(table(parse_options(arguments), outcome), HasSubstr("1000 of 1500 answered"));
}

TEST(LoadRun, TellsFailuresApart) {
    const Server refuses{[](int) { return std::string{"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n"}; }};
    const Outcome refused = run(refuses, {"-n", "7"});
    EXPECT_EQ(failures(refused, Failure::status), 7U);
    EXPECT_EQ(refused.tally.statuses[503], 7U);
    EXPECT_THAT(refused.first_failure, HasSubstr("503"));
    EXPECT_EQ(failures_of(run(refuses, {"-n", "7", "--expect-status", "503"})), 0U);

    const Server garbles{[](int) { return std::string{"HTTP/9 what\r\n\r\n"}; }};
    EXPECT_EQ(failures(run(garbles, {"-n", "3"}), Failure::malformed), 3U);
    const Server overflows{[](int) { return ok("x") + "y"; }};
    EXPECT_EQ(failures(run(overflows, {"-n", "3"}), Failure::malformed), 3U);
    const Server changes{[](int request) { return ok(request == 1 ? "other" : "first"); }};
    EXPECT_EQ(failures(run(changes, {"-n", "3", "--same-body"}), Failure::body), 1U);
}

TEST(LoadRun, CountsAConnectionThatEndsBeforeItsAnswerAndGoesOn) {
    const Server server{[](int request) { return request == 2 ? std::string{} : ok("x"); }};
    const Outcome outcome = run(server, {"-n", "6"});
    EXPECT_EQ(failures(outcome, Failure::closed), 1U);
    EXPECT_EQ(outcome.tally.succeeded, 5U);
    EXPECT_EQ(outcome.tally.begun, 6U);
}

TEST(LoadRun, OpensAgainAfterConnectionClose) {
    const Server server{[](int) {
        return std::string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"};
    }};
    const Outcome outcome = run(server, {"-n", "20", "-c", "2"});
    EXPECT_EQ(outcome.tally.succeeded, 20U);
    EXPECT_EQ(failures_of(outcome), 0U);
    EXPECT_GE(outcome.tally.reconnects, 18U);
}

TEST(LoadRun, SaysThatNobodyListens) {
    Options options = parse_options(std::vector<const char*>{"--quiet", "http://127.0.0.1:1/"});
    try {
        (void)run_load(options);
        FAIL() << "port 1 answered";
    } catch (const RunError& error) {
        EXPECT_THAT(error.what(), HasSubstr("cannot connect to 127.0.0.1:1"));
    }
}

TEST(LoadReport, IsJsonWithEveryNumber) {
    const Server server{[](int) { return ok("hello"); }};
    const std::string watch = std::to_string(getpid());
    const Options options = parse_options(
        std::vector<const char*>{"-n", "50", "--quiet", "--watch-pid", watch.c_str(), server.url().c_str()});
    const Outcome outcome = run_load(options);
    simdjson::dom::parser parser;
    const simdjson::dom::element report = parser.parse(json(options, outcome));
    EXPECT_EQ(report["requests"].get_uint64().value(), 50U);
    EXPECT_EQ(report["failed"].get_uint64().value(), 0U);
    EXPECT_EQ(report["status"]["200"].get_uint64().value(), 50U);
    EXPECT_EQ(report["latency_us"]["count"].get_uint64().value(), 50U);
    EXPECT_GT(report["latency_us"]["p99"].get_double().value(), 0);
    EXPECT_TRUE(report["event_gap_us"].is_null());
    EXPECT_GT(report["watched_us_per_answer"].get_double().value(), 0);
    EXPECT_EQ(std::string{report["body_sha256"].get_c_str().value()}, to_hex(sha256("hello")));
    EXPECT_THAT(table(options, outcome), HasSubstr("50 as expected, 0 failed"));
}

TEST(LoadReport, ReadsWellInEveryUnit) {
    EXPECT_EQ(readable(812ns), "812 ns");
    EXPECT_EQ(readable(79'300ns), "79.3 us");
    EXPECT_EQ(readable(1250us), "1.25 ms");
    EXPECT_EQ(readable(12s), "12.00 s");
}

TEST(LoadCpuWatch, SeesThisProcessWorkAndNoOtherOnceItIsGone) {
    const auto before = cpu_time_of(getpid());
    ASSERT_TRUE(before);
    volatile unsigned work = 0;
    for (unsigned i = 0; i < 2'000'000; ++i)
        work = work + i;
    EXPECT_GT(*cpu_time_of(getpid()), *before);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(cpu_time_of(child)) << "no such process any more";
    CpuWatch gone{{child}};
    gone.begin();
    gone.end();
    EXPECT_FALSE(gone.cores());
}

} // namespace
} // namespace headroom::load
