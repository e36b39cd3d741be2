// Reads the id of a Responses API answer, under which a later request continues it.
// One per response; keeps its first bytes, where the id is: a whole answer begins with it, a stream's first
// event carries it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

class ResponseId {
  public:
    /// Where servers put the id; answers that do not are not remembered.
    static constexpr std::size_t looked_at_bytes = 512;

    /// Takes the next piece of the body.
    void feed(std::string_view piece) noexcept {
        const std::size_t count = std::min(piece.size(), head_.size() - size_);
        std::copy_n(piece.data(), count, head_.data() + size_);
        size_ += count;
    }
    /// The same hash as RequestFacts::previous_response_hash of a request that continues it; 0: not found.
    [[nodiscard]] std::uint64_t hash() const noexcept;

  private:
    std::size_t size_ = 0;
    std::array<char, looked_at_bytes> head_; // Only the first size_ bytes mean anything.
};

} // namespace headroom::balance
