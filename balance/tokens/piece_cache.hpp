// Remembers the counts of pieces under their very bytes, so that a hit is never wrong. Bounded; old ones give
// way. Four tables by size: hot (up to 8 bytes that are one token; small enough to stay near the CPU), words
// (up to 15 bytes), phrases (16 to 31), chains (32 to 127). Bytes behind a piece's end are zero, so pieces
// with a NUL byte must not come here.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace headroom::balance {

/// log2 of the lines of each table.
struct PieceCacheSizes {
    std::uint8_t hot = 12;     ///< Of 8 pieces, 64 bytes.
    std::uint8_t words = 16;   ///< Of 4 pieces, 64 bytes.
    std::uint8_t phrases = 14; ///< Of 2 pieces, 64 bytes.
    std::uint8_t chains = 10;  ///< Of 1 piece, 128 bytes.
    bool on = true;            ///< False: nothing is ever remembered.

    /// Tables of one line each: every other piece displaces the one before.
    static constexpr PieceCacheSizes smallest() noexcept { return {0, 0, 0, 0, true}; }
    static constexpr PieceCacheSizes none() noexcept { return {0, 0, 0, 0, false}; }
};

/// The bytes of a piece of up to 16 bytes, the first one lowest.
struct ShortKey {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

inline constexpr std::uint32_t word_bytes_max = 15;
inline constexpr std::uint32_t phrase_bytes_max = 31;
inline constexpr std::uint32_t chain_bytes_max = 127;

/// One per thread. Everything is inline: the batch loop of PieceCounter is compiled for several CPUs.
class PieceCache {
  public:
    using Chain = std::array<std::uint64_t, 16>;

    /// Throws std::bad_alloc.
    explicit PieceCache(const PieceCacheSizes& sizes);
    ~PieceCache();
    PieceCache(const PieceCache&) = delete;
    PieceCache& operator=(const PieceCache&) = delete;

    [[nodiscard]] bool on() const noexcept { return sizes_.on; }

    /// Whether a piece of up to 8 bytes is known to be one token.
    [[gnu::always_inline]] [[nodiscard]] bool is_hot(std::uint64_t key) const noexcept {
        typedef std::uint64_t Line __attribute__((vector_size(64)));
        Line line;
        std::memcpy(&line, hot_ + hot_line(key), sizeof line);
        return __builtin_reduce_or(line == key) != 0;
    }
    void remember_hot(std::uint64_t key) noexcept {
        hot_[hot_line(key)].keys[next_++ % hot_[0].keys.size()] = key;
    }

    [[gnu::always_inline]] [[nodiscard]] std::size_t word_line(const ShortKey& key) const noexcept {
        return line_of(mixed(key), sizes_.words);
    }
    [[gnu::always_inline]] void prefetch_word(std::size_t line) const noexcept {
        __builtin_prefetch(words_ + line);
    }
    /// The count of a piece of up to 15 bytes, or 0.
    [[gnu::always_inline]] [[nodiscard]] std::uint32_t find_word(std::size_t line,
                                                                 const ShortKey& key) const noexcept {
        typedef std::uint64_t Four __attribute__((vector_size(32)));
        Four lows;
        Four highs;
        std::memcpy(&lows, words_[line].lows.data(), sizeof lows);
        std::memcpy(&highs, words_[line].highs.data(), sizeof highs);
        const auto equal = (lows == key.low) & ((highs & ~count_mask) == key.high);
        return static_cast<std::uint32_t>(__builtin_reduce_or(highs & (Four)equal) >> count_shift);
    }
    void remember_word(std::size_t line, const ShortKey& key, std::uint32_t count) noexcept {
        const std::size_t way = next_++ % words_[line].lows.size();
        words_[line].lows[way] = key.low;
        words_[line].highs[way] = key.high | std::uint64_t{count} << count_shift;
    }

    [[nodiscard]] std::size_t phrase_line(const ShortKey& start, const ShortKey& rest) const noexcept {
        return line_of(mixed(start) * multiplier + mixed(rest), sizes_.phrases);
    }
    void prefetch_phrase(std::size_t line) const noexcept { __builtin_prefetch(phrases_ + line); }
    /// The count of a piece of 16 to 31 bytes, or 0.
    [[nodiscard]] std::uint32_t find_phrase(std::size_t line, const ShortKey& start,
                                            const ShortKey& rest) const noexcept {
        for (const Phrase& phrase : phrases_[line]) {
            if (phrase[0] == start.low && phrase[1] == start.high && phrase[2] == rest.low &&
                (phrase[3] & ~count_mask) == rest.high)
                return static_cast<std::uint32_t>(phrase[3] >> count_shift);
        }
        return 0;
    }
    void remember_phrase(std::size_t line, const ShortKey& start, const ShortKey& rest,
                         std::uint32_t count) noexcept {
        phrases_[line][next_++ % phrases_[line].size()] = {start.low, start.high, rest.low,
                                                           rest.high | std::uint64_t{count} << count_shift};
    }

    /// The key of a piece of 32 to 127 bytes.
    [[nodiscard]] static Chain chain_of(const char* text, std::uint32_t size) noexcept {
        Chain chain{};
        std::memcpy(chain.data(), text, size);
        return chain;
    }
    [[nodiscard]] std::size_t chain_line(const Chain& chain) const noexcept {
        std::uint64_t hash = 0;
        for (std::size_t i = 0; i < chain.size(); i += 2)
            hash = (hash + mixed({chain[i], chain[i + 1]})) * multiplier;
        return line_of(hash, sizes_.chains);
    }
    /// The count of a piece of 32 to 127 bytes, or 0.
    [[nodiscard]] std::uint32_t find_chain(std::size_t line, const Chain& chain) const noexcept {
        const Chain& known = chains_[line];
        const bool equal = std::memcmp(known.data(), chain.data(), sizeof(Chain) - 8) == 0 &&
                           (known.back() & ~count_mask) == chain.back();
        return equal ? static_cast<std::uint32_t>(known.back() >> count_shift) : 0;
    }
    void remember_chain(std::size_t line, const Chain& chain, std::uint32_t count) noexcept {
        chains_[line] = chain;
        chains_[line].back() |= std::uint64_t{count} << count_shift;
    }

  private:
    struct alignas(64) Hot {
        std::array<std::uint64_t, 8> keys;
    };
    struct alignas(64) Words {
        std::array<std::uint64_t, 4> lows;
        std::array<std::uint64_t, 4> highs; ///< The last byte, which no key has, is the count.
    };
    using Phrase = std::array<std::uint64_t, 4>; ///< So here.
    using Phrases = std::array<Phrase, 2>;

    static constexpr unsigned count_shift = 56;
    static constexpr std::uint64_t count_mask = std::uint64_t{0xff} << count_shift;
    static constexpr std::uint64_t multiplier = 0x9e37'79b9'7f4a'7c15U;

    [[gnu::always_inline]] static std::uint64_t mixed(const ShortKey& key) noexcept {
        const std::uint64_t sum = key.low * multiplier + std::rotl(key.high, 29) * 0xd6e8'feb8'6659'fd93U;
        return (sum ^ sum >> 32) * multiplier;
    }
    /// The top bits; none of them when a table has one line.
    [[gnu::always_inline]] static std::size_t line_of(std::uint64_t hash, unsigned bits) noexcept {
        return (hash >> 32) >> (32 - bits);
    }
    [[gnu::always_inline]] std::size_t hot_line(std::uint64_t key) const noexcept {
        return line_of(key * multiplier, sizes_.hot);
    }
    [[nodiscard]] std::size_t bytes() const noexcept;

    PieceCacheSizes sizes_;
    void* block_;
    Hot* hot_;
    Words* words_;
    Phrases* phrases_;
    Chain* chains_;
    std::uint32_t next_ = 0; ///< Which way of a line gives way next.
};

} // namespace headroom::balance
