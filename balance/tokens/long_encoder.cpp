// The walk over one long piece, and the memo of its pairs.
#include "balance/tokens/long_encoder.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::balance {
namespace {

/// A repetition shorter than this is not worth a look ahead.
constexpr std::size_t repetition_min = 1024;
/// What is left of a repetition, so that what follows it cannot reach the tokens before the skip.
constexpr std::size_t repetition_left = 512;
/// The longest sequence of tokens that is seen to repeat.
constexpr std::size_t sequence_max = 8;

/// How many bytes of `text` from `at` on repeat those `period` before.
std::size_t repeated(std::string_view text, std::size_t at, std::size_t period) noexcept {
    std::size_t size = 0;
    const std::size_t room = text.size() - at;
    const auto same = [&](std::size_t block) {
        return std::memcmp(text.data() + at + size, text.data() + at + size - period, block) == 0;
    };
    if (room < repetition_min || !same(64) || !same(repetition_min)) return 0;
    size = repetition_min;
    for (std::size_t block = 4096; block >= 64; block /= 8) {
        while (size + block <= room && same(block))
            size += block;
    }
    return size;
}

} // namespace

/// One attempt at a piece. Positions and numbers of tokens do not count what was skipped.
class LongEncoder::Walk {
  public:
    Walk(LongEncoder& encoder, std::string_view piece, std::uint64_t steps_max, bool may_skip) noexcept
        : encoder_(encoder),
          trie_(encoder.tables_->trie()),
          piece_(piece),
          steps_max_(steps_max),
          may_skip_(may_skip) {}

    /// False when the walk must begin anew without skipping.
    bool go() noexcept {
        std::uint32_t next = trie_.longest(piece_);
        while (at() < piece_.size() && steps_ < steps_max_) {
            if (fits(next)) {
                choose(next);
                next = trie_.longest(piece_.substr(at()));
                continue;
            }
            ++steps_;
            while ((next = trie_.shorter(next)) != no_token && !fits(next))
                ++steps_;
            if (next != no_token) continue;
            // Nothing fits here, so the last token was wrong: the next shorter one takes its place.
            mark_dead();
            if (count_ <= kept_from_) return false;
            if (count_ + tokens_kept <= count_max_ + 1) break;
            next = last();
            --count_;
            position_ -= trie_.length(next);
        }
        return true;
    }

    [[nodiscard]] Count count() const noexcept { return {count_ + skipped_tokens_, at()}; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  private:
    [[nodiscard]] std::size_t at() const noexcept { return position_ + skipped_bytes_; }
    [[nodiscard]] std::uint32_t last() const noexcept { return chosen(1); }
    [[nodiscard]] std::uint32_t& chosen(std::size_t back) const noexcept {
        return (*encoder_.chosen_)[(count_ - back) % tokens_kept];
    }
    [[nodiscard]] std::uint64_t& dead_word(std::size_t position) const noexcept {
        return (*encoder_.dead_)[position % positions_kept / 64];
    }

    [[nodiscard]] bool fits(std::uint32_t token) const noexcept {
        const std::size_t end = position_ + trie_.length(token);
        if (end <= frontier_ && (dead_word(end) >> end % 64 & 1) != 0) return false;
        return count_ == 0 || encoder_.stay_apart(last(), token);
    }

    void mark_dead() noexcept { dead_word(position_) |= std::uint64_t{1} << position_ % 64; }

    void choose(std::uint32_t token) noexcept {
        ++count_;
        chosen(1) = token;
        count_max_ = std::max(count_max_, count_);
        position_ += trie_.length(token);
        for (; frontier_ < position_; ++steps_) {
            ++frontier_;
            dead_word(frontier_) &= ~(std::uint64_t{1} << frontier_ % 64);
        }
        if (may_skip_) skip();
    }

    /// Skips what repeats the last tokens if these are twice the same sequence.
    void skip() noexcept {
        std::size_t period = 0;
        for (std::size_t length = 1; length <= sequence_max && kept_from_ + 2 * length <= count_; ++length) {
            period += trie_.length(chosen(length));
            if (!is_twice(length)) continue;
            const std::size_t size = repeated(piece_, at(), period);
            if (size < repetition_min) continue;
            const std::size_t times = (size - repetition_left) / period;
            skipped_tokens_ += times * length;
            skipped_bytes_ += times * period;
            // Both sequences must stay for the skip to be right, and what was found out about the positions
            // behind them was about other bytes.
            kept_from_ = count_;
            frontier_ = position_;
            return;
        }
    }

    [[nodiscard]] bool is_twice(std::size_t length) const noexcept {
        for (std::size_t back = 1; back <= length; ++back) {
            if (chosen(back) != chosen(back + length)) return false;
        }
        return true;
    }

    LongEncoder& encoder_;
    const TokenTrie& trie_;
    std::string_view piece_;
    std::uint64_t steps_max_;
    bool may_skip_;
    std::uint64_t steps_ = 0;
    std::size_t position_ = 0;
    std::size_t frontier_ = 0; ///< The farthest position so far.
    std::size_t count_ = 0;
    std::size_t count_max_ = 0;
    std::size_t kept_from_ = 0; ///< So many tokens must stay.
    std::uint64_t skipped_tokens_ = 0;
    std::size_t skipped_bytes_ = 0;
};

LongEncoder::LongEncoder(const TokenTables& tables)
    : tables_(&tables),
      memo_(std::make_unique_for_overwrite<std::array<std::uint64_t, memo_size>>()),
      chosen_(std::make_unique<std::array<std::uint32_t, tokens_kept>>()),
      dead_(std::make_unique<std::array<std::uint64_t, positions_kept / 64>>()) {
    memo_->fill(~std::uint64_t{0});
}

bool LongEncoder::stay_apart(std::uint32_t left, std::uint32_t right) noexcept {
    const std::uint64_t key = PairHash::key(left, right);
    std::uint64_t& remembered = (*memo_)[(key * 0x9e37'79b9'7f4a'7c15U) >> (64 - 14)];
    static_assert(memo_size == 1U << 14);
    if (remembered >> 1 == key) return (remembered & 1) != 0;
    const bool apart = tables_->stay_apart(left, right);
    remembered = key << 1 | std::uint64_t{apart};
    return apart;
}

LongEncoder::Count LongEncoder::count(std::string_view piece, WorkBudget& budget) noexcept {
    for (const bool may_skip : {true, false}) {
        Walk walk(*this, piece, budget.steps, may_skip);
        const bool done = walk.go();
        budget.steps -= std::min(budget.steps, walk.steps());
        if (done) return walk.count();
    }
    return {0, 0};
}

} // namespace headroom::balance
