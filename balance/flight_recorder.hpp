// The last decisions of one shard and what came of them, so that each can be explained and run again.
// Written by its shard, read by any thread at any time, without locks; the oldest are overwritten. Promises:
// bounded in bytes, nothing allocates while writing, a reader gets a record whole or not at all. Not here:
// how a record is shown (core/why_page.hpp).
#pragma once

#include "balance/decision.hpp"
#include "balance/hedge_policy.hpp"
#include "balance/quantities.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace headroom::balance {

/// Longer request ids are cut, in what is recorded and in what is looked for.
inline constexpr std::size_t request_id_bytes_max = 64;

/// Whose record it is.
struct FlightTag {
    std::string_view id;
    std::uint64_t request = 0; ///< Number of the request in its shard: clients may use an id twice.
    std::uint32_t attempt = 0; ///< Attempts made before.
};

/// How one attempt ended; `verdict` and `error` as the recorder's owner numbers them.
struct AttemptEnd {
    std::uint32_t backend = 0;
    std::uint16_t status = 0; ///< 0: no response.
    std::uint8_t verdict = 0;
    std::uint8_t error = 0;
    bool taken = false;     ///< Its response went to the client.
    bool hedge = false;     ///< It was started beside a late one.
    bool overtaken = false; ///< It was given up because the other one of the two had content first.
};

/// How the request ended; `outcome` as the recorder's owner numbers it.
struct RequestEnd {
    std::uint16_t status = 0; ///< 0: the client got nothing.
    std::uint8_t outcome = 0;
    std::uint32_t attempts = 0;
    Tokens estimated;
    bool metered = false; ///< The response told its usage.
    Tokens prompt;
    Tokens completion; ///< As told, else as counted from what was relayed.
    Duration lasted{};
    HedgeEnd hedge = HedgeEnd::none;
};

template <class End, class Visit>
    requires std::same_as<std::remove_const_t<End>, AttemptEnd>
constexpr void visit_end(End& end, Visit&& visit) {
    visit("backend", end.backend);
    visit("status", end.status);
    visit("verdict", end.verdict);
    visit("error", end.error);
    visit("taken", end.taken);
    visit("hedge", end.hedge);
    visit("overtaken", end.overtaken);
}

template <class End, class Visit>
    requires std::same_as<std::remove_const_t<End>, RequestEnd>
constexpr void visit_end(End& end, Visit&& visit) {
    visit("status", end.status);
    visit("outcome", end.outcome);
    visit("attempts", end.attempts);
    visit("estimated", end.estimated);
    visit("metered", end.metered);
    visit("prompt", end.prompt);
    visit("completion", end.completion);
    visit("lasted", end.lasted);
    visit("hedge", end.hedge);
}

/// One record as read. `input.shape` is null: the configuration is not recorded.
struct FlightRecord {
    enum class Kind : std::uint8_t { decision, attempt, end };
    Kind kind = Kind::decision;
    std::string id;
    std::uint64_t request = 0;
    std::uint32_t attempt = 0;
    Time at{};
    DecisionInput input;
    Decision decision;
    AttemptEnd attempt_end;
    RequestEnd request_end;
};

class FlightRecorder {
  public:
    /// Words of 8 bytes, a power of two, at least 4,096; an eighth as much again is kept for finding records.
    explicit FlightRecorder(std::size_t words = std::size_t{1} << 17U);

    // The shard's side.
    void record(const FlightTag& tag, Time now, const DecisionInput& input, const Decision& made) noexcept;
    void record(const FlightTag& tag, Time now, const AttemptEnd& end) noexcept;
    void record(const FlightTag& tag, Time now, const RequestEnd& end) noexcept;

    // Any thread.
    /// The records of that id, oldest first.
    [[nodiscard]] std::vector<FlightRecord> find(std::string_view id) const;
    /// When the oldest record that is still there was made; nothing while there is none.
    [[nodiscard]] std::optional<Time> oldest() const;
    /// Records ever made.
    [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  private:
    class Writing;

    bool copy(std::uint64_t number, std::vector<std::uint64_t>& words) const;

    std::size_t words_;
    std::size_t records_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> ring_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> begins_; ///< Where record n begins, at n modulo its size.
    std::atomic<std::uint64_t> count_{0};                  ///< Records that are whole.
    std::atomic<std::uint64_t> claimed_{0}; ///< Words, counted from the first, that may have been written.
    std::uint64_t next_ = 0;                ///< The writer's: where the next record begins.
};

} // namespace headroom::balance
