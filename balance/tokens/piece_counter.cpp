// The way of a piece: cut into parts, looked up, merged, remembered.
#include "balance/tokens/piece_counter.hpp"

#include "balance/tokens/piece_key.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace headroom::balance {
PieceCounter::PieceCounter(const TokenTables& tables, Isa isa, const PieceCacheSizes& sizes)
    : tables_(&tables),
      isa_(isa_supported(isa) ? isa : best_isa()),
      cache_(sizes),
      merge_(tables, isa_),
      encoder_(tables),
      look_up_(isa_ == Isa::avx512 ? look_up_avx512
               : isa_ == Isa::avx2 ? look_up_avx2
                                   : look_up_scalar) {
    if (cache_.on()) remember_common();
}

void PieceCounter::remember_common() {
    // Ranks are in the order of how often they merged, so the first ones are what texts consist of.
    constexpr std::uint32_t common = 20'000;
    std::vector<std::uint64_t> keys(std::min(common, tables_->tokens()));
    for (std::uint32_t token = 0; token < keys.size(); ++token) {
        // The parts of a token come before it; a key of more than eight bytes is never used.
        if (token < byte_tokens_count) {
            keys[token] = tables_->byte_of(token);
        } else if (tables_->trie().length(token) <= sizeof(std::uint64_t)) {
            const TokenSplit& split = tables_->split(token);
            keys[token] = keys[split.left] | keys[split.right] << 8 * tables_->trie().length(split.left);
        }
    }
    // The most common ones last: the first ones give way when a line is full.
    for (std::size_t token = keys.size(); token-- > 0;) {
        const std::uint32_t size = tables_->trie().length(static_cast<std::uint32_t>(token));
        if (size > sizeof(std::uint64_t)) continue;
        if (std::memchr(&keys[token], 0, size) == nullptr) cache_.remember_hot(keys[token]);
    }
}

TextCount PieceCounter::count(std::string_view text, std::span<const Piece> pieces,
                              WorkBudget& budget) noexcept {
    if (pieces.empty()) return {};
    text_ = text;
    budget_ = &budget;
    result_ = {};
    uncounted_ = {};
    const std::size_t end = std::size_t{pieces.back().begin} + pieces.back().size;
    has_nul_ = std::memchr(at(pieces.front()), 0, end - pieces.front().begin) != nullptr;
    if (has_nul_ || !cache_.on()) {
        for (const Piece& piece : pieces)
            add_long(piece);
    } else {
        for (; !pieces.empty(); pieces = pieces.subspan(std::min(batch_max, pieces.size()))) {
            look_up_(*this, pieces.first(std::min(batch_max, pieces.size())));
            for (std::size_t i = 0; i < long_count_; ++i)
                add_long(pieces[long_[i]]);
        }
    }
    look_up_parts();
    look_up_phrases();
    merge_unknown();
    return result_;
}

/// Pieces with characters of three bytes fall into parts that never join.
void PieceCounter::add_long(const Piece& piece) noexcept {
    const std::string_view whole(at(piece), piece.size);
    if (!BigramCut::may_cut(whole)) {
        add(piece);
        return;
    }
    std::array<std::uint32_t, 64> cuts;
    std::uint32_t from = 0;
    const auto add_until = [&](std::uint32_t end) {
        const Piece part{piece.begin + from, end - from};
        from = end;
        if (part.size <= word_bytes_max && !has_nul_ && cache_.on()) {
            parts_[parts_count_++] = part;
            if (parts_count_ == batch_max) look_up_parts();
        } else {
            add(part);
        }
    };
    for (std::size_t next = 0; next < whole.size();) {
        const std::size_t found = tables_->bigrams().find(whole, next, cuts);
        for (std::size_t i = 0; i < found; ++i)
            add_until(cuts[i]);
        // A piece may be the whole text; looking up what is left of it would cost without end.
        if (!result_.exact) {
            leave_out(whole.substr(from));
            return;
        }
    }
    add_until(piece.size);
}

void PieceCounter::add(const Piece& part) noexcept {
    // A key is filled up with zero bytes, so a piece that has some of its own would not be unique.
    const bool nul = has_nul_ && std::memchr(at(part), 0, part.size) != nullptr;
    if (nul || !cache_.on() || part.size > chain_bytes_max) {
        add_unknown(part);
    } else if (part.size <= word_bytes_max) {
        parts_[parts_count_++] = part;
        if (parts_count_ == batch_max) look_up_parts();
    } else if (part.size <= phrase_bytes_max) {
        add_phrase(part);
    } else {
        add_chain(part);
    }
}

void PieceCounter::add_phrase(const Piece& part) noexcept {
    Phrase& phrase = phrases_[phrases_count_++];
    phrase.part = part;
    phrase.start = short_key(at(part), 16);
    phrase.rest = text_.size() - part.begin >= 16 + short_key_read
                      ? short_key_inside(at(part) + 16, part.size - 16)
                      : short_key(at(part) + 16, part.size - 16);
    phrase.line = cache_.phrase_line(phrase.start, phrase.rest);
    cache_.prefetch_phrase(phrase.line);
    if (phrases_count_ == phrases_.size()) look_up_phrases();
}

void PieceCounter::look_up_phrases() noexcept {
    for (std::size_t i = 0; i < phrases_count_; ++i) {
        const Phrase& phrase = phrases_[i];
        const std::uint32_t known = cache_.find_phrase(phrase.line, phrase.start, phrase.rest);
        result_.tokens += known;
        if (known == 0) add_unknown(phrase.part);
    }
    phrases_count_ = 0;
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
        leave_out({at(part), part.size});
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
        leave_out(whole.substr(counted.bytes));
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

void PieceCounter::leave_out(std::string_view rest) noexcept {
    budget_->steps = 0;
    result_.exact = false;
    uncounted_.add(TextFeatures::of(rest, isa_));
}

void PieceCounter::look_up_parts() noexcept {
    // Parts are short, so this leaves no long ones behind; those of the caller's batch are kept from it.
    const std::size_t long_count = long_count_;
    look_up_(*this, {parts_.data(), parts_count_});
    long_count_ = long_count;
    parts_count_ = 0;
}

/// Sorts pieces: hot ones are counted, other words queued with their keys, longer pieces set aside. Without a
/// branch, since which piece is what cannot be predicted.
template <bool Inside>
void PieceCounter::sort_pieces(std::span<const Piece> pieces, std::size_t from) noexcept {
    std::size_t hot_count = 0;
    Word* word = words_.data() + words_count_;
    std::uint16_t* longer_piece = long_.data() + long_count_;
    for (std::size_t i = from; i < pieces.size(); ++i) {
        const std::uint32_t size = std::min<std::uint32_t>(pieces[i].size, short_key_read);
        const ShortKey key = Inside ? short_key_inside(at(pieces[i]), size) : short_key(at(pieces[i]), size);
        const unsigned hot = unsigned{size <= sizeof(std::uint64_t)} & unsigned{cache_.is_hot(key.low)};
        const unsigned longer = unsigned{size > word_bytes_max};
        word->key = key;
        word->piece = static_cast<std::uint32_t>(i);
        word += (hot | longer) ^ 1;
        *longer_piece = static_cast<std::uint16_t>(i);
        longer_piece += longer;
        hot_count += hot;
    }
    result_.tokens += hot_count;
    words_count_ = static_cast<std::size_t>(word - words_.data());
    long_count_ = static_cast<std::size_t>(longer_piece - long_.data());
}

void PieceCounter::look_up(std::span<const Piece> pieces) noexcept {
    // Keys are read as 16 bytes where the text goes on that far.
    std::size_t inside = pieces.size();
    while (inside > 0 && text_.size() - pieces[inside - 1].begin < short_key_read)
        --inside;
    words_count_ = 0;
    long_count_ = 0;
    sort_pieces<true>(pieces.first(inside), 0);
    sort_pieces<false>(pieces, inside);
    const std::span<Word> words(words_.data(), words_count_);
    for (Word& word : words) {
        const std::size_t line = cache_.word_line(word.key);
        cache_.prefetch_word(line);
        word.line = static_cast<std::uint32_t>(line);
    }
    std::uint64_t tokens = 0;
    std::size_t unknown = 0;
    for (const Word& word : words) {
        const std::uint32_t known = cache_.find_word(word.line, word.key);
        tokens += known;
        // One in sixteen is enough for the table of hot pieces to follow the text.
        if ((++hits_ & 15) == 0 && known == 1 && pieces[word.piece].size <= sizeof(std::uint64_t))
            cache_.remember_hot(word.key.low);
        words_[unknown].piece = word.piece;
        unknown += known == 0 ? 1 : 0;
    }
    result_.tokens += tokens;
    for (std::size_t i = 0; i < unknown; ++i)
        add_unknown(pieces[words_[i].piece]);
}

void PieceCounter::look_up_scalar(PieceCounter& self, std::span<const Piece> pieces) noexcept {
    self.look_up(pieces);
}

#if defined(__x86_64__)

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]] void PieceCounter::look_up_avx2(
    PieceCounter& self, std::span<const Piece> pieces) noexcept {
    self.look_up(pieces);
}

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw")]] void PieceCounter::look_up_avx512(
    PieceCounter& self, std::span<const Piece> pieces) noexcept {
    self.look_up(pieces);
}

#else

void PieceCounter::look_up_avx2(PieceCounter& self, std::span<const Piece> pieces) noexcept {
    self.look_up(pieces);
}
void PieceCounter::look_up_avx512(PieceCounter& self, std::span<const Piece> pieces) noexcept {
    self.look_up(pieces);
}

#endif

} // namespace headroom::balance
