// A keyed hash of the ids of stored objects (SipHash-1-3), taken byte by byte while they pass: without the
// key nobody can craft ids that meet in a PinTable.
#pragma once

#include "balance/sip_state.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

class IdHash {
  public:
    /// More of an id is not looked at. Ids are shorter; the beginning of encrypted content has its random
    /// initialisation vector, so that it tells two of them apart.
    static constexpr std::size_t bytes_max = 256;

    explicit IdHash(std::uint64_t seed) noexcept : state_(seeded_sip(seed)) {}

    void add(char c) noexcept {
        if (size_ == bytes_max) return;
        word_ |= std::uint64_t{static_cast<unsigned char>(c)} << (size_ % 8 * 8);
        if (++size_ % 8 != 0) return;
        state_.take(word_);
        word_ = 0;
    }
    void add(std::string_view text) noexcept {
        for (const char c : text)
            add(c);
    }
    /// Bytes taken, at most bytes_max.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Never 0.
    [[nodiscard]] std::uint64_t value() const noexcept {
        SipState<1, 3> state = state_;
        state.take(word_ | std::uint64_t{size_} << 56);
        state.v[2] ^= 0xff;
        const std::uint64_t hash = state.finish();
        return hash == 0 ? 1 : hash;
    }

  private:
    SipState<1, 3> state_;
    std::uint64_t word_ = 0;
    std::size_t size_ = 0;
};

/// The hash of a whole id.
[[nodiscard]] inline std::uint64_t id_hash(std::string_view id, std::uint64_t seed) noexcept {
    IdHash hash(seed);
    hash.add(id);
    return hash.value();
}

} // namespace headroom::balance
