// Lines of four entries, one cache line each; which of four is replaced is random, so that nobody can aim.
#include "balance/prompt/message_memo.hpp"

#include <limits>

namespace headroom::balance {

MessageMemo::MessageMemo(const DigestKey& key, std::uint64_t seed, DigestMethod method)
    : digest_(key, method), random_(seed | 1), lines_(entry_count / ways) {}

std::size_t MessageMemo::line_of(const Digest& digest) noexcept {
    return digest.low % (entry_count / ways);
}

bool MessageMemo::same(const Entry& entry, const Digest& digest) noexcept {
    return entry.high == digest.high && entry.middle == static_cast<std::uint32_t>(digest.low >> 32) &&
           entry.tokens != 0;
}

std::optional<std::uint32_t> MessageMemo::find(const Digest& digest) const noexcept {
    for (const Entry& entry : lines_[line_of(digest)].entries) {
        if (same(entry, digest)) return entry.tokens;
    }
    return std::nullopt;
}

void MessageMemo::remember(const Digest& digest, std::uint32_t tokens) noexcept {
    if (tokens == 0) return;
    Line& line = lines_[line_of(digest)];
    // xorshift64 (Marsaglia); its upper bits are the better ones.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    Entry* place = &line.entries[random_ >> 62];
    for (Entry& entry : line.entries) {
        if (entry.tokens == 0 || same(entry, digest)) {
            place = &entry;
            break;
        }
    }
    *place = {digest.high, static_cast<std::uint32_t>(digest.low >> 32), tokens};
}

CountedText RememberingCounter::count(std::string_view text) noexcept {
    if (text.size() < text_bytes_min) {
        counted_bytes_ += text.size();
        return counter_.count(text);
    }
    const Digest digest = memo_.digest(text, purpose_);
    if (const auto tokens = memo_.find(digest)) {
        remembered_bytes_ += text.size();
        return {*tokens, true};
    }
    const CountedText counted = counter_.count(text);
    counted_bytes_ += text.size();
    if (counted.exact && counted.tokens <= std::numeric_limits<std::uint32_t>::max())
        memo_.remember(digest, static_cast<std::uint32_t>(counted.tokens));
    return counted;
}

} // namespace headroom::balance
