// Remembers the token counts of texts seen before: a chat sends its whole history again with every turn.
// One per shard: a hit costs one cache line and no lock; a shared one would need both, and a client's turns
// come over one connection and so to one shard.
// Promises: fixed memory (1 MB), no allocation after construction, no false hit that a client could arrange
// (110 bits of a keyed digest must agree), no client can push out a chosen entry (a random one goes).
#pragma once

#include "balance/prompt/keyed_digest.hpp"
#include "balance/prompt/text_counting.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace headroom::balance {

/// Digest → tokens, 64 K entries of 16 bytes.
class MessageMemo {
  public:
    static constexpr std::size_t entry_count = std::size_t{1} << 16;

    /// `seed` decides which entries are forgotten; take it from a random source too.
    MessageMemo(const DigestKey& key, std::uint64_t seed, DigestMethod method = best_digest());

    /// The name under which a text is remembered; `purpose` is what decides its count, such as the encoding
    /// (and the tenant, where tenants must not learn by timing what others have sent).
    [[nodiscard]] Digest digest(std::string_view text, std::uint64_t purpose) const noexcept {
        return digest_.of(text, purpose);
    }
    /// The remembered count; nullopt when there is none.
    [[nodiscard]] std::optional<std::uint32_t> find(const Digest& digest) const noexcept;
    /// Remembers a count; 0 cannot be remembered, and a full line forgets one of its entries.
    void remember(const Digest& digest, std::uint32_t tokens) noexcept;

  private:
    static constexpr std::size_t ways = 4;

    // The line's number is in the digest's first word, so of that only the upper half is stored.
    struct Entry {
        std::uint64_t high = 0;
        std::uint32_t middle = 0;
        std::uint32_t tokens = 0; // 0: empty
    };
    struct alignas(64) Line {
        std::array<Entry, ways> entries{};
    };
    static_assert(sizeof(Line) == 64);

    [[nodiscard]] static std::size_t line_of(const Digest& digest) noexcept;
    [[nodiscard]] static bool same(const Entry& entry, const Digest& digest) noexcept;

    KeyedDigest digest_;
    std::uint64_t random_;
    std::vector<Line> lines_;
};

/// Counts by remembering; texts too short to gain by it go straight to the counter.
class RememberingCounter final : public TextCounting {
  public:
    /// Shorter texts are counted as fast as they are looked up.
    static constexpr std::size_t text_bytes_min = 128;

    /// Neither is owned; `purpose` as for MessageMemo::digest.
    RememberingCounter(MessageMemo& memo, TextCounting& counter, std::uint64_t purpose) noexcept
        : memo_(memo), counter_(counter), purpose_(purpose) {}

    CountedText count(std::string_view text) noexcept override;

    /// Bytes that were found in the memo, and bytes that had to be counted.
    [[nodiscard]] std::uint64_t remembered_bytes() const noexcept { return remembered_bytes_; }
    [[nodiscard]] std::uint64_t counted_bytes() const noexcept { return counted_bytes_; }

  private:
    MessageMemo& memo_;
    TextCounting& counter_;
    std::uint64_t purpose_;
    std::uint64_t remembered_bytes_ = 0;
    std::uint64_t counted_bytes_ = 0;
};

} // namespace headroom::balance
