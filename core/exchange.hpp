// Exchange: one request from its head to its access line: the twelve verbs from "read" on.
// Owned by its session for as long as the request lasts. Tries one backend after the other (core/attempt.hpp)
// until a response may go to the client (core/relay.hpp) or nobody is left.
#pragma once

#include "balance/balancer.hpp"
#include "balance/prompt/request_cost.hpp"
#include "balance/prompt/text_counting.hpp"
#include "balance/request_facts.hpp"
#include "balance/tries.hpp"
#include "core/access_record.hpp"
#include "core/affinity.hpp"
#include "core/answer.hpp"
#include "core/attempt.hpp"
#include "core/request_body.hpp"
#include "core/route.hpp"
#include "core/session.hpp"
#include "net/task.hpp"

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headroom::core {

class Hedge;
class Turn;

class Exchange {
  public:
    explicit Exchange(Session& session);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    /// Whether the client's connection may carry another request afterwards.
    net::Task<bool> run();
    /// The drain limit has passed.
    void end_now() noexcept;

    // What an attempt and a relay need to know.
    Session& session() noexcept { return session_; }
    Shard& shard() noexcept { return session_.shard(); }
    const net::Head& head() noexcept { return session_.reader().head(); }
    const Route& route() const noexcept { return route_; }
    const RequestBody& body() const noexcept { return body_; }
    const balance::RequestFacts& facts() const noexcept { return scan_.facts(); }
    /// The stored objects that the request names; none when there is but one backend.
    Affinity& affinity() noexcept { return affinity_; }
    AccessRecord& record() noexcept { return record_; }
    /// The deployment's name at `backend` as plain text; empty when the request names none.
    std::string_view upstream_name(std::uint32_t backend) const noexcept;
    /// Learns from what the response said of its usage, its model (may be empty) and its id (a hash; may be
    /// 0).
    void learn(const balance::Usage& usage, std::string_view model, std::uint64_t response_id) noexcept;
    /// Counts texts of the model that serves this request; lives as long as the shard.
    balance::TextCounting& counting() noexcept;
    /// The body was too large to hold: what is not in body() must still be read from the client, once.
    bool body_streams() const noexcept { return body_streams_; }
    /// Lets a client that waits for 100 (RFC 9110 section 10.1.1) send its body; false: it is gone.
    net::Task<bool> send_continue();
    /// Decides what to answer when the request's body will never be whole.
    void read_failed(net::Error error);
    bool body_spent() const noexcept { return tries_.closed(); }
    /// The rest of a streaming body has begun to leave: no other backend can be asked.
    void spend_body() noexcept { tries_.close(); }
    /// The whole of a streaming body has been read.
    void end_body() noexcept { body_read_ = true; }
    /// After the response the client's connection cannot go on.
    void close_client() noexcept { keep_ = false; }
    bool keeps_client() const noexcept { return keep_ && !session_.shard().draining(); }
    bool client_failed() const noexcept { return client_failed_; }
    bool ending() const noexcept { return ending_; }
    /// The client has sent FIN and some time has passed without a response: it may have left.
    bool probe_due() const noexcept { return probe_due_; }
    /// A client that only half-closed takes an interim response; one that has left answers with a reset,
    /// which then shows as client_failed(). False: the client is gone.
    net::Task<bool> probe_client();
    /// Gives the client something before the final response, by the idle deadline. False: the client is gone.
    net::Task<bool> tell_client(std::span<iovec> pieces);
    /// Asks the balancer for one that waits, with patience for any opening; `first` in its lane.
    balance::Choice choose_in_turn(bool first);
    /// The balancer's word for one that would be turned away otherwise.
    balance::Choice choose_last();
    /// What all backends of its deployment will have, also those that this request may not go to.
    balance::Supply supply_in_turn();

    // What a hedge needs to know.
    /// The attempt in work; there is one while a hedge runs.
    Attempt& attempt() noexcept { return *attempt_; }
    /// Two attempts are in work for this request.
    bool races() const noexcept;
    /// A second attempt beside the one of which nothing has come for `silent`; null when there may be none.
    std::unique_ptr<Attempt> open_hedge(net::Duration silent);
    /// Makes `other` the attempt; returns what was it.
    std::unique_ptr<Attempt> exchange_attempt(std::unique_ptr<Attempt> other) noexcept;
    /// Tells the flight recorder what an attempt came to.
    void record_attempt(Attempt& attempt, Attempt::End end) noexcept;
    /// Counts an attempt that failed, and keeps its response for when nobody does better.
    void put_aside(std::unique_ptr<Attempt> failed) noexcept;
    /// The record tells of this attempt as of the one whose response the client gets.
    void tell_of(const Attempt& attempt);

  private:
    enum class BodyStep : std::uint8_t { need_more, done, refused };

    void begin();
    void watch_client() noexcept;
    void on_client(net::Attention attention) noexcept;
    void on_probe_due() noexcept;
    net::Task<void> answer(Answer answer, Outcome outcome = Outcome::answered);
    // 3 read
    std::optional<Answer> check_body();
    BodyStep take_body();
    void pass_over_body() noexcept;
    BodyStep keep_parts(net::BodyParts& parts);
    net::Task<bool> read_body();
    bool body_may_stream() noexcept;
    // 4 route
    std::optional<Answer> answer_locally();
    std::optional<Answer> find_candidates();
    bool able(std::uint32_t backend) noexcept;
    std::uint64_t able_ones() noexcept;
    void find_objects();
    // 6 choose
    balance::FlightTag tag() const noexcept { return {record_.id, record_.number, record_.attempts}; }
    void record_end() noexcept;
    using SlotKeys = std::array<balance::SlotKey, balance::backends_max>;
    balance::Demand demand_on(std::uint64_t candidates, SlotKeys& keys) noexcept;
    balance::Choice choose(balance::Asking asking);
    std::uint64_t prefix_of_body() noexcept;
    net::Task<void> try_backends();
    bool may_send(const balance::Choice& choice) noexcept;
    void note_failed(const Attempt& failed) noexcept;
    // hedging
    std::optional<net::Duration> hedge_after(const balance::Lease& lease) noexcept;
    net::Task<Attempt::End> run_hedged(net::Duration after);
    void cancel_attempts(net::Error error) noexcept;
    void attend_attempts() noexcept;
    // waiting for quota
    void read_wishes();
    balance::Duration patience_left() noexcept;
    balance::Choice choose_now();
    net::Task<balance::Choice> wait_for_turn();
    balance::Choice end_of_wait(Turn& turn, net::Time since, bool here) noexcept;
    void settle_turn() noexcept;
    net::Task<void> give_up(bool quota, balance::Duration retry_after);
    void finish();

    Session& session_;
    Route route_;
    RequestBody body_;
    balance::RequestScan scan_;
    Affinity affinity_;
    balance::RequestCost estimate_;
    balance::ChargeBasis basis_;
    std::uint64_t prefix_ = 0;
    std::string client_name_; ///< The deployment as the client named it, decoded.
    std::uint64_t name_hash_ = 0;
    std::uint64_t candidates_ = 0;
    balance::Tries tries_;
    net::Time wait_until_{};
    std::uint64_t tenant_ = 0; ///< Keyed hash.
    double weight_ = 1;
    balance::Tokens charged_;          ///< To the tenant, for turns.
    Turn* turn_ = nullptr;             ///< While it waits.
    Hedge* hedge_ = nullptr;           ///< While an attempt runs that may be raced.
    std::string_view wait_end_;        ///< Static text: how waiting ended in vain.
    std::unique_ptr<Attempt> attempt_; ///< The one in work.
    std::unique_ptr<Attempt>
        last_failed_; ///< Holds the last response that was a fault, for when nobody does better.
    AccessRecord record_;
    net::Deadline probe_at_;
    Answer refusal_; ///< Of BodyStep::refused.
    bool scanning_ = false;
    bool has_body_ = false;
    bool body_streams_ = false;
    bool body_read_ = false;
    bool keep_ = true;
    bool quota_seen_ = false;
    bool client_failed_ = false;
    bool probe_due_ = false;
    bool telling_ = false;       ///< Something is on its way to the client.
    bool token_missing_ = false; ///< A backend would be able but for its identity token.
    unsigned probes_ = 0;
    bool ending_ = false;
};

} // namespace headroom::core
