// AccessRecord: what one request came to; the source of its log line and of its share in the counters.
// Filled by the exchange while it goes, written once at its end (core/report.hpp). Holds no key, prompt or
// body.
#pragma once

#include "balance/classify.hpp"
#include "balance/hedge_policy.hpp"
#include "balance/operation.hpp"
#include "balance/usage.hpp"
#include "net/clock.hpp"
#include "net/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::core {

/// How a request ended for its client.
enum class Outcome : std::uint8_t {
    none,        ///< Not ended yet.
    relayed,     ///< The client got a backend's response, whole.
    answered,    ///< The client got an answer of ours.
    exhausted,   ///< The client got our 429: every backend refused.
    client_gone, ///< The client left before the end.
    broken,      ///< The response ended early after the client had seen a part.
    tunnelled,   ///< A WebSocket was joined and has ended.
};

[[nodiscard]] std::string_view name_of(Outcome outcome) noexcept;

/// One try on one backend that did not become the response.
struct FailedAttempt {
    std::uint32_t backend = 0;
    std::uint16_t status = 0; ///< 0: no response; `error` says why.
    net::ErrorCode error = net::ErrorCode::none;
    balance::Verdict verdict = balance::Verdict::pass;
};

struct AccessRecord {
    static constexpr std::size_t failed_max = 8; ///< Told one by one; more are only counted.

    std::string id;           ///< The client's x-request-id if that is sane, else ours.
    std::uint64_t number = 0; ///< Of the request in its shard.
    net::Time started;
    net::Time head_at; ///< Response head received from the backend that answered.
    net::Time ended;
    std::string_view method; ///< Static text.
    std::string_view path;   ///< As the client sent it, without the query, which may hold a key; the head's.
    std::string target;      ///< Asked of the backend asked last; its query is never written.
    std::string_view deployment; ///< As the client named it; the exchange's.
    balance::Operation operation = balance::Operation::other;
    std::int64_t backend = -1; ///< Index of the one asked last; -1: none was.
    std::uint16_t status = 0;  ///< What the client got; 0: nothing.
    bool stream = false;
    Outcome outcome = Outcome::none;
    std::string_view why;                ///< Static text: a word on what is not plain.
    std::optional<net::Duration> waited; ///< For quota, all times together; nullopt: it did not.
    unsigned attempts = 0;
    std::array<FailedAttempt, failed_max> failed;
    std::size_t failed_count = 0;
    std::uint64_t bytes_in = 0;  ///< Request body.
    std::uint64_t bytes_out = 0; ///< Response body.
    std::int64_t estimated_tokens = 0;
    std::optional<balance::Usage> usage;
    /// Output of a response that did not say its usage, counted or estimated from what was relayed.
    std::optional<balance::Tokens> counted_output;
    balance::HedgeEnd hedge = balance::HedgeEnd::none;
    std::int64_t hedge_backend = -1; ///< Where a hedge was started; -1: there was none.
    balance::Tokens hedge_tokens;    ///< What stays charged for the one of the two that lost.

    void add_failed(const FailedAttempt& attempt) noexcept {
        if (failed_count < failed_max) failed[failed_count++] = attempt;
    }
};

} // namespace headroom::core
