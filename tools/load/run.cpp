// The main thread keeps signals, progress and CPU readings; the workers keep everything else.
#include "tools/load/run.hpp"

#include "tools/load/cpu_watch.hpp"
#include "tools/load/request_text.hpp"
#include "tools/load/worker.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/core.h>

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace headroom::load {
namespace {

Tcp::endpoint resolve(asio::io_context& io, const Target& target) {
    boost::system::error_code code;
    const auto address = asio::ip::make_address(target.host, code);
    if (!code) return {address, target.port};
    const auto found = Tcp::resolver{io}.resolve(target.host, std::to_string(target.port), code);
    if (code || found.empty())
        throw RunError(fmt::format("cannot resolve '{}': {}", target.host, code.message()));
    return found.begin()->endpoint();
}

void prepare_tls(asio::ssl::context& tls, const Options& options) {
    boost::system::error_code code;
    tls.set_verify_mode(options.insecure ? asio::ssl::verify_none : asio::ssl::verify_peer, code);
    if (options.ca_file.empty())
        tls.set_default_verify_paths(code);
    else
        tls.load_verify_file(options.ca_file, code);
    if (code) throw RunError(fmt::format("cannot read --ca '{}': {}", options.ca_file, code.message()));
    static constexpr unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(tls.native_handle(), alpn, sizeof alpn - 1);
}

// Everything of a run that the main thread looks after.
class Supervisor {
  public:
    Supervisor(const Options& options, asio::ssl::context& tls)
        : options_(options), watch_(options.watched), own_watch_({getpid()}) {
        orders_.options = options;
        if (options.trace.file.empty())
            orders_.request = request_text(options);
        else
            orders_.trace.emplace(plan_trace(orders_.options));
        orders_.route = {resolve(control_, options.target), options.target.host, !options.insecure,
                         options.target.tls ? &tls : nullptr};
        for (unsigned i = 0; i < options.threads; ++i)
            workers_.push_back(std::make_unique<Worker>(orders_, i));
    }

    Outcome run() {
        await_signal();
        for (const auto& worker : workers_) {
            threads_.emplace_back([this, &worker] { work(*worker); });
        }
        control_.run();
        for (std::thread& thread : threads_)
            thread.join();
        if (up_ == 0 && !orders_.stop) throw RunError(no_connection());
        return outcome();
    }

  private:
    // A worker's thread.
    void work(Worker& worker) {
        prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); // due times are kept to the microsecond
        const unsigned up = worker.connect_all();
        asio::post(control_, [this, up] { worker_connected(up); });
        started_.wait();
        if (up_ > 0) worker.run(start_);
        asio::post(control_, [this] { worker_left(); });
    }

    void worker_connected(unsigned up) {
        up_ += up;
        if (++connected_ < workers_.size()) return;
        start_ = Clock::now() + std::chrono::milliseconds{5};
        if (up_ > 0) arrange_readings();
        started_.count_down(); // publishes start_ and up_
    }

    void await_signal() {
        signals_.async_wait([this](const boost::system::error_code& code, int) {
            if (code) return;
            if (orders_.stop) _exit(130); // asked twice: do not wait for what is in flight
            orders_.stop = true;
            watch_.end();
            own_watch_.end();
            await_signal();
        });
    }

    void arrange_readings() {
        const TimePoint begin = start_ + options_.warmup;
        begin_timer_.expires_at(begin);
        begin_timer_.async_wait([this](const boost::system::error_code& code) {
            if (code) return;
            watch_.begin();
            own_watch_.begin();
        });
        if (options_.requests == 0 && !orders_.trace) {
            end_timer_.expires_at(begin + options_.duration);
            end_timer_.async_wait([this](const boost::system::error_code& code) {
                if (!code) end_readings();
            });
        }
        if (!options_.quiet) show_progress();
    }

    void end_readings() {
        watch_.end();
        own_watch_.end();
    }

    void worker_left() {
        if (++left_ < workers_.size()) return;
        end_readings();
        if (is_terminal_ && !options_.quiet) std::fputs("\r\033[K", stderr);
        control_.stop();
    }

    void show_progress() {
        progress_timer_.expires_after(std::chrono::seconds{is_terminal_ ? 1 : 30});
        progress_timer_.async_wait([this](const boost::system::error_code& code) {
            if (code) return;
            print_progress();
            show_progress();
        });
    }

    void print_progress() {
        const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
        const std::uint64_t responses = orders_.live.responses.load(std::memory_order_relaxed);
        const std::uint64_t events = orders_.live.events.load(std::memory_order_relaxed);
        const double total = std::chrono::duration<double>(options_.warmup + options_.duration).count();
        const std::uint64_t wanted = orders_.trace ? orders_.trace->size() : options_.requests;
        std::string line = wanted == 0
                               ? fmt::format("load: {:.0f} s of {:.0f} s", std::min(seconds, total), total)
                               : fmt::format("load: {} of {} requests", responses, wanted);
        line += fmt::format(", {:.0f} answers/s", static_cast<double>(responses) / seconds);
        if (events > 0) line += fmt::format(", {:.0f} events/s", static_cast<double>(events) / seconds);
        line += fmt::format(", {} failed", orders_.live.failed.load(std::memory_order_relaxed));
        fmt::print(stderr, "{}{}{}", is_terminal_ ? "\r\033[K" : "", line, is_terminal_ ? "" : "\n");
        std::fflush(stderr);
    }

    [[nodiscard]] std::string no_connection() const {
        const Target& target = options_.target;
        return fmt::format("cannot connect to {}:{}: {}", target.host, target.port,
                           workers_.front()->first_failure());
    }

    Outcome outcome() {
        Outcome outcome;
        for (const auto& worker : workers_) {
            outcome.tally.merge(worker->tally());
            if (outcome.first_failure.empty()) outcome.first_failure = worker->first_failure();
            if (options_.expectation.same_body && worker->tally().reference.known &&
                worker->tally().reference.body != outcome.tally.reference.body) {
                ++outcome.tally.failures[static_cast<std::size_t>(Failure::body)];
            }
        }
        const TimePoint begin = start_ + options_.warmup;
        TimePoint end =
            options_.requests != 0 || orders_.trace ? outcome.tally.last_end : begin + options_.duration;
        if (orders_.stop) end = std::min(end, Clock::now());
        outcome.seconds = std::max(0.0, std::chrono::duration<double>(end - begin).count());
        if (orders_.trace) outcome.trace = orders_.trace->totals();
        outcome.interrupted = orders_.stop;
        outcome.watched_cores = watch_.cores();
        outcome.own_cores = own_watch_.cores();
        return outcome;
    }

    const Options& options_;
    asio::io_context control_;
    asio::signal_set signals_{control_, SIGINT, SIGTERM};
    asio::steady_timer begin_timer_{control_};
    asio::steady_timer end_timer_{control_};
    asio::steady_timer progress_timer_{control_};
    CpuWatch watch_;
    CpuWatch own_watch_;
    Orders orders_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
    std::latch started_{1};
    TimePoint start_{};
    unsigned up_ = 0; // connections open before the start
    std::size_t connected_ = 0;
    std::size_t left_ = 0;
    bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

} // namespace

Outcome run_load(const Options& options) {
    asio::ssl::context tls{asio::ssl::context::tls_client};
    if (options.target.tls) prepare_tls(tls, options);
    return Supervisor{options, tls}.run();
}

} // namespace headroom::load
