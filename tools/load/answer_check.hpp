// Judges one response as it comes: is it the answer that was expected, byte for byte and to its end?
// One Expectation per run; one Reference per worker (the first body that the others must equal); one
// AnswerCheck per connection. Not here: framing (tools/load/response_reader.hpp).
#pragma once

#include "tools/load/failure.hpp"
#include "tools/load/sse_reader.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::load {

using Sha256 = std::array<unsigned char, 32>;

struct Expectation {
    std::vector<int> statuses; ///< Empty: any 2xx.
    std::optional<std::uint64_t> body_bytes;
    std::optional<Sha256> body_sha256;
    bool same_body =
        false; ///< Every body equals the first one; none may be larger than Reference::bytes_max.
    bool stream_end = true; ///< A 2xx event stream ends with [DONE] (or the Responses API's last event).
};

/// The first good body of a worker, and whether there is one yet; larger ones than `bytes_max` are not kept.
struct Reference {
    std::size_t bytes_max = 1U << 20U;
    std::string body;
    bool known = false;
};

class AnswerCheck {
  public:
    AnswerCheck(const Expectation& expectation, Reference& reference);

    void reset() noexcept;

    /// Takes the next bytes of the body; returns how many events they completed (0 unless it is an event
    /// stream).
    std::uint64_t body(std::string_view bytes, bool is_event_stream);

    /// The verdict on a response whose framing is whole; Failure::none when it is the answer that was
    /// expected.
    [[nodiscard]] Failure verdict(int status, bool is_event_stream, bool to_head);

    [[nodiscard]] bool last_event_seen() const noexcept { return events_.ended(); }

  private:
    struct DigestFree {
        void operator()(EVP_MD_CTX* digest) const noexcept { EVP_MD_CTX_free(digest); }
    };

    [[nodiscard]] bool status_is_good(int status) const noexcept;
    [[nodiscard]] bool digest_is_good();

    const Expectation* expectation_;
    Reference* reference_;
    SseReader events_;
    std::uint64_t body_bytes_ = 0;
    bool differs_ = false;
    bool learns_ = false; // this response becomes the reference if it is good
    std::string learned_;
    std::unique_ptr<EVP_MD_CTX, DigestFree> digest_;
};

[[nodiscard]] Sha256 sha256(std::string_view bytes);
[[nodiscard]] std::string to_hex(const Sha256& digest);

/// Nothing unless the text is 64 hexadecimal digits.
[[nodiscard]] std::optional<Sha256> from_hex(std::string_view text);

} // namespace headroom::load
