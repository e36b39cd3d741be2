// One request and its answer: read, route, check, meter, answer, count. The twin of a session's loop body.
// Lives as long as the request; borrows the connection and the backend.
#pragma once

#include "tools/mock_azure/ask.hpp"
#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/delivery.hpp"
#include "tools/mock_azure/request_reader.hpp"
#include "tools/mock_azure/route.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace headroom::mock {

/// Which request of which connection this is.
struct Place {
    std::uint64_t connection = 0;
    std::int64_t nth = 1;
};

class Exchange {
  public:
    Exchange(Wire* wire, RequestReader::Buffer* buffer, Backend* backend, Place place);

    /// True when the connection can take another request.
    boost::asio::awaitable<bool> run();
    /// The head of the request has been read; until then the connection is idle.
    bool begun() const { return begun_; }
    /// The connection is to be closed this long after the answer, without having said so.
    std::optional<std::chrono::milliseconds> close_after() const { return close_after_; }

  private:
    std::string_view field(boost::beast::http::field name) const;
    std::string_view field(std::string_view name) const;

    boost::asio::awaitable<bool> unreadable(ReadResult result);
    boost::asio::awaitable<bool> head_fault(Fault fault);
    boost::asio::awaitable<bool> finish();
    boost::asio::awaitable<void> answer();
    boost::asio::awaitable<bool> request_fault();
    boost::asio::awaitable<void> refuse(Problem problem, std::optional<std::chrono::nanoseconds> retry_after);
    boost::asio::awaitable<void> answer_model();
    boost::asio::awaitable<void> generate(Verdict verdict);
    boost::asio::awaitable<void> run_socket();

    std::optional<Problem> check_caller() const;
    std::optional<Problem> check_deployment();
    void read_question();
    void begin_record();
    void learn_deployment();
    bool asks_model() const;

    Answer make_answer() const;
    Pace make_pace() const;
    std::string body_of(const Answer& answer) const;
    void store_answer(const Answer& answer);
    /// GET /models, /files and the stored responses.
    std::optional<Problem> answer_resource(std::string* body);
    std::optional<Problem> answer_files(std::string* body);
    std::optional<Problem> answer_stored(std::string* body);
    std::string models_json() const;

    ReplyHead make_head(int status) const;
    QuotaView real_view(QuotaView view) const;

    Wire* wire_;
    Backend* backend_;
    Backend::Options options_;
    Place place_;
    RequestReader reader_;
    SteadyTime start_;
    std::string method_;
    std::string target_;
    Route route_;
    std::optional<Problem> route_problem_;
    Ask ask_;
    std::optional<Problem> ask_problem_;
    std::optional<DeploymentOptions> deployment_;
    std::string served_name_; ///< of the model, with its version date
    std::optional<QuotaView> quota_;
    std::string request_id_;
    std::uint64_t seq_ = 0;
    bool begun_ = false;
    std::optional<Delivery> delivery_;
    RequestOutcome outcome_;
    std::optional<std::chrono::milliseconds> close_after_;
};

} // namespace headroom::mock
