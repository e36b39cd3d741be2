// What happens to backends while a live run goes on: limits that change, faults that come and go, told to
// mock_azure at their times by the requests that its admin port takes. Not here: starting it (live.hpp), what
// the simulation makes of the same (backend.hpp).
#pragma once

#include "bench/lab/fleet_model.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headroom::lab {

/// One request to the admin port.
struct MockOrder {
    Time at{}; ///< By the quota's clock.
    std::string method;
    std::string target;
    std::string body; ///< JSON, or empty.
};

/// All of a fleet, in order of time.
[[nodiscard]] std::vector<MockOrder> mock_orders(const FleetModel& fleet);

/// Gives them at their times until it goes.
class LiveTimeline {
  public:
    /// `admin_url`: "http://127.0.0.1:PORT". What is for time zero is done before this returns; the clock
    /// begins then. Throws ChildError when the mock does not take it.
    LiveTimeline(const std::string& admin_url, std::vector<MockOrder> orders, double speed);
    LiveTimeline(const LiveTimeline&) = delete;
    LiveTimeline& operator=(const LiveTimeline&) = delete;
    ~LiveTimeline();

    /// Throws ChildError when an order could not be given.
    void check();

  private:
    void run();
    void give(const MockOrder& order) const;

    std::string host_;
    std::string port_;
    std::vector<MockOrder> orders_;
    double speed_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::string failure_;
    std::thread thread_; ///< Last: it uses the others.
};

} // namespace headroom::lab
