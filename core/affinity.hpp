// Affinity: which backend has the stored objects that a request names, and what is learned of that.
// One per exchange. A pinned request may go to that backend only; one whose objects nobody remembers is given
// to one backend after the other until one knows them. Promises: bounded work; without a second backend none.
// Not here: the table (balance/pins.hpp), members that hold ids (balance/object_ids.hpp).
#pragma once

#include "balance/object_ids.hpp"
#include "balance/pins.hpp"
#include "core/request_body.hpp"
#include "core/route.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headroom::core {

/// The ids in a path below a route's prefix, in order and decoded; at most `out.size()`. Returns how many.
std::size_t ids_in_path(const Route& route, std::span<std::string> out);

class Affinity final : private balance::IdSink {
  public:
    static constexpr std::size_t ids_max = 16;
    static constexpr std::size_t path_ids_max = 4;

    /// Reads the ids of a request and looks them up. `body`: null when there is no JSON to read.
    void read(const Route& route, const RequestBody* body, balance::PinTable& pins, balance::Time now);
    /// The request names stored objects.
    [[nodiscard]] bool named() const noexcept { return count_ != 0; }
    /// The backend that has what the path names, else the first known of the body.
    [[nodiscard]] std::optional<std::uint32_t> pinned() const noexcept { return pinned_; }
    /// Of these backends the ones that may be asked.
    [[nodiscard]] std::uint64_t narrow(std::uint64_t candidates) const noexcept {
        return pinned_ ? candidates & std::uint64_t{1} << *pinned_ : candidates;
    }
    /// `backend` has answered with success: it has all of them. `deleted`: but for the last one of the path.
    void found_at(std::uint32_t backend, bool deleted, balance::PinTable& pins, balance::Time now) noexcept;
    /// The backend that is said to have them does not: who has it is searched for the next time.
    void forget(balance::PinTable& pins) noexcept;

  private:
    void on_id(std::uint64_t id) noexcept override;

    std::array<std::uint64_t, ids_max> ids_{}; ///< Those of the path first.
    std::size_t count_ = 0;
    std::size_t path_count_ = 0;
    std::optional<std::uint32_t> pinned_;
};

/// Learns while a response passes what it says is stored at its backend.
class IdLearner final : private balance::IdSink {
  public:
    IdLearner(balance::IdMembers members, std::uint32_t backend, balance::PinTable& pins) noexcept
        : pins_(pins), scan_(members, pins.seed()), backend_(backend) {}

    /// Takes the next piece of the body, which is to be sent only afterwards.
    void feed(std::string_view piece, balance::Time now) noexcept {
        now_ = now;
        scan_.feed(piece, *this);
    }

  private:
    void on_id(std::uint64_t id) noexcept override {
        // events of a stream repeat theirs
        if (id != last_) pins_.put(id, backend_, now_);
        last_ = id;
    }

    balance::PinTable& pins_;
    balance::ObjectIdScan scan_;
    std::uint32_t backend_;
    std::uint64_t last_ = 0;
    balance::Time now_{};
};

/// Which members of a response to such a request tell of stored objects; nullopt: it tells of none.
[[nodiscard]] std::optional<balance::IdMembers> learned_members(const Route& route, bool stores) noexcept;

} // namespace headroom::core
