// The way of a piece: cut into parts, looked up, merged, remembered.
#include "balance/tokens/piece_counter.hpp"

#include "balance/tokens/byte_estimate.hpp"
#include "balance/tokens/piece_key.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::balance {
namespace {

bool is_ascii(const char* text, std::uint32_t size) noexcept {
    std::uint64_t high = 0;
    std::uint32_t i = 0;
    for (; i + 8 <= size; i += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text + i, sizeof eight);
        high |= eight;
    }
    for (; i < size; ++i)
        high |= static_cast<std::uint8_t>(text[i]);
    return (high & 0x8080'8080'8080'8080U) == 0;
}

} // namespace

PieceCounter::PieceCounter(const TokenTables& tables, Isa isa, const PieceCacheSizes& sizes,
                           std::pmr::memory_resource& memory)
    : tables_(&tables),
      cache_(sizes, memory),
      merge_(tables, isa_supported(isa) ? isa : best_isa()),
      encoder_(tables) {
    if (!isa_supported(isa)) isa = best_isa();
    look_up_ = isa == Isa::avx512 ? look_up_avx512 : isa == Isa::avx2 ? look_up_avx2 : look_up_scalar;
    // Common words are known from the start: ranks are in the order of how often they merged.
    constexpr std::uint32_t seeded = 20'000;
    std::array<char, 128> text{};
    for (std::uint32_t token = std::min(seeded, tables.tokens()); token-- > byte_tokens_count;) {
        const std::uint32_t size = tables.trie().length(token);
        if (size > sizeof(std::uint64_t)) continue;
        tables.spell(token, text);
        const ShortKey key = short_key(text.data(), size);
        if (cache_.on() && std::memchr(text.data(), 0, size) == nullptr) cache_.remember_hot(key.low);
    }
}

TextCount PieceCounter::count(std::string_view text, std::span<const Piece> pieces,
                              WorkBudget& budget) noexcept {
    if (pieces.empty()) return {};
    text_ = text;
    budget_ = &budget;
    result_ = {};
    const std::size_t end = std::size_t{pieces.back().begin} + pieces.back().size;
    has_nul_ = std::memchr(at(pieces.front()), 0, end - pieces.front().begin) != nullptr;
    for (const Piece& piece : pieces) {
        if (piece.size <= word_bytes_max && !has_nul_) [[likely]] {
            parts_[parts_count_++] = piece;
            if (parts_count_ == batch_max) look_up_(*this);
        } else {
            add_long(piece);
        }
    }
    look_up_(*this);
    merge_unknown();
    return result_;
}

/// Pieces with characters of three bytes fall into parts that never join.
void PieceCounter::add_long(const Piece& piece) noexcept {
    if (is_ascii(at(piece), piece.size)) {
        add(piece);
        return;
    }
    const std::string_view whole(at(piece), piece.size);
    for (std::size_t from = 0; from < whole.size();) {
        const std::size_t cut = tables_->bigrams().next(whole, from);
        add({piece.begin + static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(cut - from)});
        from = cut;
    }
}

void PieceCounter::add(const Piece& part) noexcept {
    // A key is filled up with zero bytes, so a piece that has some of its own would not be unique.
    const bool nul = has_nul_ && std::memchr(at(part), 0, part.size) != nullptr;
    if (nul || !cache_.on() || part.size > chain_bytes_max) {
        add_unknown(part);
    } else if (part.size <= word_bytes_max) {
        parts_[parts_count_++] = part;
        if (parts_count_ == batch_max) look_up_(*this);
    } else if (part.size <= phrase_bytes_max) {
        add_phrase(part);
    } else {
        add_chain(part);
    }
}

void PieceCounter::add_phrase(const Piece& part) noexcept {
    const ShortKey start = short_key(at(part), 16);
    const ShortKey rest = short_key(at(part) + 16, part.size - 16);
    const std::uint32_t known = cache_.find_phrase(cache_.phrase_line(start, rest), start, rest);
    result_.tokens += known;
    if (known == 0) add_unknown(part);
}

void PieceCounter::add_chain(const Piece& part) noexcept {
    const PieceCache::Chain chain = PieceCache::chain_of(at(part), part.size);
    const std::uint32_t known = cache_.find_chain(cache_.chain_line(chain), chain);
    result_.tokens += known;
    if (known == 0) add_unknown(part);
}

void PieceCounter::add_unknown(const Piece& part) noexcept {
    if (part.size > short_piece_max) {
        encode(part);
    } else if (budget_->steps < part.size) {
        estimate({at(part), part.size});
    } else {
        budget_->steps -= part.size;
        unknown_[unknown_count_++] = {at(part), part.size, 0};
        if (unknown_count_ == unknown_.size()) merge_unknown();
    }
}

void PieceCounter::encode(const Piece& part) noexcept {
    const std::string_view whole(at(part), part.size);
    const LongEncoder::Count counted = encoder_.count(whole, *budget_);
    result_.tokens += counted.tokens;
    if (counted.bytes < whole.size()) {
        estimate(whole.substr(counted.bytes));
    } else {
        remember(whole.data(), part.size, static_cast<std::uint32_t>(counted.tokens));
    }
}

void PieceCounter::merge_unknown() noexcept {
    merge_.count({unknown_.data(), unknown_count_});
    for (std::size_t i = 0; i < unknown_count_; ++i) {
        const UncountedPiece& piece = unknown_[i];
        result_.tokens += piece.tokens;
        remember(piece.text, piece.size, piece.tokens);
    }
    unknown_count_ = 0;
}

void PieceCounter::remember(const char* text, std::uint32_t size, std::uint32_t tokens) noexcept {
    if (!cache_.on() || size > chain_bytes_max) return;
    if (has_nul_ && std::memchr(text, 0, size) != nullptr) return;
    if (size <= word_bytes_max) {
        const ShortKey key = short_key(text, size);
        cache_.remember_word(cache_.word_line(key), key, tokens);
    } else if (size <= phrase_bytes_max) {
        const ShortKey start = short_key(text, 16);
        const ShortKey rest = short_key(text + 16, size - 16);
        cache_.remember_phrase(cache_.phrase_line(start, rest), start, rest, tokens);
    } else {
        const PieceCache::Chain chain = PieceCache::chain_of(text, size);
        cache_.remember_chain(cache_.chain_line(chain), chain, tokens);
    }
}

void PieceCounter::estimate(std::string_view rest) noexcept {
    budget_->steps = 0;
    result_.exact = false;
    result_.tokens += estimate_tokens(rest);
}

void PieceCounter::load_keys() noexcept {
    // Keys are read as 16 bytes where the text goes on that far.
    std::size_t inside = parts_count_;
    while (inside > 0 && text_.size() - parts_[inside - 1].begin < short_key_read)
        --inside;
    for (std::size_t i = 0; i < inside; ++i)
        keys_[i] = short_key_inside(at(parts_[i]), parts_[i].size);
    for (std::size_t i = inside; i < parts_count_; ++i)
        keys_[i] = short_key(at(parts_[i]), parts_[i].size);
}

void PieceCounter::look_up() noexcept {
    load_keys();
    std::uint64_t tokens = 0;
    std::size_t queued = 0;
    for (std::size_t i = 0; i < parts_count_; ++i) {
        // No branch: which piece is hot cannot be predicted.
        const unsigned hot =
            unsigned{parts_[i].size <= sizeof(std::uint64_t)} & unsigned{cache_.is_hot(keys_[i].low)};
        queue_[queued] = static_cast<std::uint16_t>(i);
        queued += hot ^ 1;
        tokens += hot;
    }
    for (std::size_t i = 0; i < queued; ++i) {
        const std::size_t line = cache_.word_line(keys_[queue_[i]]);
        cache_.prefetch_word(line);
        lines_[i] = static_cast<std::uint32_t>(line);
    }
    std::size_t unknown = 0;
    for (std::size_t i = 0; i < queued; ++i) {
        const std::size_t part = queue_[i];
        const std::uint32_t known = cache_.find_word(lines_[i], keys_[part]);
        tokens += known;
        queue_[unknown] = static_cast<std::uint16_t>(part);
        unknown += known == 0 ? 1 : 0;
        // One in sixteen is enough for the table of hot pieces to follow the text.
        if (known == 1 && (++hits_ & 15) == 0 && parts_[part].size <= sizeof(std::uint64_t))
            cache_.remember_hot(keys_[part].low);
    }
    result_.tokens += tokens;
    parts_count_ = 0;
    for (std::size_t i = 0; i < unknown; ++i)
        add_unknown(parts_[queue_[i]]);
}

void PieceCounter::look_up_scalar(PieceCounter& self) noexcept {
    self.look_up();
}

#if defined(__x86_64__)

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]] void PieceCounter::look_up_avx2(PieceCounter& self) noexcept {
    self.look_up();
}

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw")]] void PieceCounter::look_up_avx512(
    PieceCounter& self) noexcept {
    self.look_up();
}

#else

void PieceCounter::look_up_avx2(PieceCounter& self) noexcept {
    self.look_up();
}
void PieceCounter::look_up_avx512(PieceCounter& self) noexcept {
    self.look_up();
}

#endif

} // namespace headroom::balance
