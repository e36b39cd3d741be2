// Remembers which APIs of which backends refuse to be asked for the usage of a stream, so that only the first
// request pays for the question. Owned by one shard. Promises: fixed memory; what is remembered is forgotten
// after an hour, since backends are upgraded; one that crowds out another costs that one a further question.
#pragma once

#include "balance/quantities.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

class UsageRefusals {
  public:
    static constexpr std::size_t entries = 256;
    static constexpr Duration kept_for = std::chrono::hours(1);

    /// True when `key` was noted within the last hour. A key is a hash that nobody outside can aim at.
    [[nodiscard]] bool known(std::uint64_t key, Time now) const noexcept {
        const Entry& entry = entries_[key % entries];
        return entry.key == key && entry.used && now - entry.since < kept_for;
    }
    void note(std::uint64_t key, Time now) noexcept { entries_[key % entries] = {key, now, true}; }

  private:
    struct Entry {
        std::uint64_t key = 0;
        Time since{};
        bool used = false;
    };

    std::array<Entry, entries> entries_{};
};

} // namespace headroom::balance
