// A secret-keyed 128-bit fingerprint of a text, so that equal fingerprints mean equal texts even if a client
// tries.
// Promises: without the key nobody finds two texts with one digest. Two published functions with that claim:
// AEGISMAC-128L where the CPU has AES instructions, SipHash-2-4-128 elsewhere. Fast hashes of the wyhash kind
// do not promise it: their secrets can be learned from, or cancelled by, chosen texts. Not here: storing
// digests; they must stay within the process, and differ between machines.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// 128 bits; equality means equal text.
struct Digest {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend bool operator==(const Digest&, const Digest&) noexcept = default;
};

/// The secret of a process, from its random source; never logged.
struct DigestKey {
    std::array<std::uint8_t, 32> bytes{};
};

/// The functions that a digest can be computed with.
enum class DigestMethod : std::uint8_t { siphash, aegis };

/// The fastest method that this CPU has.
[[nodiscard]] DigestMethod best_digest() noexcept;

/// Computes digests under one key; stateless between calls, shareable between threads.
class KeyedDigest {
  public:
    /// `method` must be one that this CPU has.
    explicit KeyedDigest(const DigestKey& key, DigestMethod method = best_digest()) noexcept;

    /// The digest of `text` for one purpose: equal texts of different `purpose` have different digests.
    [[nodiscard]] Digest of(std::string_view text, std::uint64_t purpose) const noexcept {
        return method_ == DigestMethod::aegis ? aegis(text, purpose) : siphash(text, purpose);
    }

  private:
    [[nodiscard]] Digest aegis(std::string_view text, std::uint64_t purpose) const noexcept;
    [[nodiscard]] Digest siphash(std::string_view text, std::uint64_t purpose) const noexcept;

    DigestMethod method_;
    /// AEGIS: the state after key and nonce; SipHash: the key in the first block.
    struct alignas(16) Block {
        std::array<std::uint64_t, 2> words{};
    };
    std::array<Block, 8> state_{};
};

} // namespace headroom::balance
