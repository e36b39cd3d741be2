// The threads: one io_context each, so that a connection lives on one thread and needs no lock.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace headroom::mock {

class Workers {
  public:
    explicit Workers(int threads) {
        for (int i = 0; i < threads; ++i) {
            contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
            guards_.emplace_back(contexts_.back()->get_executor());
        }
    }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    ~Workers() { stop(); }

    /// Where the listeners and the admin server live.
    boost::asio::io_context& first() { return *contexts_.front(); }
    /// Round robin.
    boost::asio::io_context& next() { return *contexts_[turn_++ % contexts_.size()]; }

    void start() {
        for (const auto& context : contexts_) {
            threads_.emplace_back([context = context.get()] { context->run(); });
        }
    }

    /// Waits for all threads; pending work is dropped.
    void stop() {
        for (const auto& context : contexts_)
            context->stop();
        for (std::thread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
        threads_.clear();
    }

  private:
    std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
    std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guards_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> turn_{0};
};

} // namespace headroom::mock
