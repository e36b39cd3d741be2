// A thread that sleeps until the next order is due; each is one short connection.
#include "bench/lab/live_timeline.hpp"

#include "bench/lab/child_program.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <map>
#include <utility>

namespace headroom::lab {
namespace {

MockOrder config(Time at, const BackendModel& backend, const std::string& members) {
    return {at, "POST", "/config", fmt::format(R"({{"backend":"{}",{}}})", backend.name, members)};
}

MockOrder fault(Time at, const BackendModel& backend, const std::string& members) {
    return {at, "POST", "/faults", fmt::format(R"({{"backend":"{}",{}}})", backend.name, members)};
}

void add_orders(const BackendModel& backend, std::vector<MockOrder>& orders) {
    const FaultModel& faults = backend.faults;
    const std::string errors = fmt::format(R"("kind":"500","probability":{:g})", faults.error_rate);
    if (faults.error_rate > 0) orders.push_back(fault(Time{}, backend, errors));
    for (const Interval& blackout : faults.blackouts) {
        orders.push_back(
            fault(blackout.from, backend, blackout.hangs ? R"("kind":"hang")" : R"("kind":"503")"));
        orders.push_back({blackout.to, "DELETE", "/faults?backend=" + backend.name, {}});
        if (faults.error_rate > 0) orders.push_back(fault(blackout.to, backend, errors));
    }
    const auto latency = [&](Time at, double factor) {
        orders.push_back(
            config(at, backend,
                   fmt::format(R"("ttft":{:.0f},"token_ms":{:.0f})", backend.latency.first_ms * factor,
                               backend.latency.output_token_ms * factor)));
    };
    for (const Interval& brownout : faults.brownouts) {
        latency(brownout.from, brownout.factor);
        latency(brownout.to, 1);
    }
    for (const LimitChange& change : backend.changes) {
        // To the mock, a limit of zero is none at all.
        const auto scaled = [&](double limit) {
            return std::max<std::int64_t>(1, std::llround(limit * change.factor));
        };
        orders.push_back(
            config(change.at, backend,
                   fmt::format(R"("tpm":{},"rpm":{})", scaled(static_cast<double>(backend.limiter.tpm)),
                               scaled(backend.limiter.requests_per_minute()))));
    }
}

} // namespace

std::vector<MockOrder> mock_orders(const FleetModel& fleet) {
    std::vector<MockOrder> orders;
    for (const BackendModel& backend : fleet.backends)
        add_orders(backend, orders);
    std::multimap<Time, MockOrder> by_time; // which keeps those of one time as they are
    for (MockOrder& order : orders)
        by_time.emplace(order.at, std::move(order));
    orders.clear();
    for (auto& [at, order] : by_time)
        orders.push_back(std::move(order));
    return orders;
}

LiveTimeline::LiveTimeline(const std::string& admin_url, std::vector<MockOrder> orders, double speed)
    : orders_(std::move(orders)), speed_(speed) {
    constexpr std::string_view scheme = "http://";
    const std::size_t colon = admin_url.rfind(':');
    if (!admin_url.starts_with(scheme) || colon < scheme.size())
        throw ChildError("mock_azure did not say where its admin port is");
    host_ = admin_url.substr(scheme.size(), colon - scheme.size());
    port_ = admin_url.substr(colon + 1);
    const auto later = std::ranges::find_if(orders_, [](const MockOrder& one) { return one.at > Time{}; });
    for (auto now = orders_.begin(); now != later; ++now)
        give(*now);
    orders_.erase(orders_.begin(), later);
    thread_ = std::thread([this] { run(); });
}

LiveTimeline::~LiveTimeline() {
    {
        const std::scoped_lock lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void LiveTimeline::check() {
    const std::scoped_lock lock(mutex_);
    if (!failure_.empty()) throw ChildError(failure_);
}

void LiveTimeline::run() {
    const auto begin = std::chrono::steady_clock::now();
    for (const MockOrder& order : orders_) {
        const auto due = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     order.at.time_since_epoch() / speed_);
        std::unique_lock lock(mutex_);
        if (changed_.wait_until(lock, due, [this] { return over_; })) return;
        lock.unlock();
        try {
            give(order);
        } catch (const std::exception& error) {
            lock.lock();
            failure_ = error.what();
            return;
        }
    }
}

void LiveTimeline::give(const MockOrder& order) const {
    boost::asio::ip::tcp::iostream stream(host_, port_);
    stream << order.method << ' ' << order.target << " HTTP/1.1\r\nhost: " << host_
           << "\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: "
           << order.body.size() << "\r\n\r\n"
           << order.body << std::flush;
    std::string status;
    std::getline(stream, status);
    if (status.find(" 200") == std::string::npos)
        throw ChildError(
            fmt::format("mock_azure did not take {} {} {}", order.method, order.target, order.body));
}

} // namespace headroom::lab
