// The quota of one deployment as Azure enforces it: tokens per minute charged at arrival from an estimate,
// and requests per short slice. Pure: time is an argument. Not here: the window arithmetic (meter.hpp), the
// wire (reply_head.hpp).
#pragma once

#include "tools/mock_azure/meter.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::mock {

/// What a request costs when it arrives; the documents contradict each other, so all of them can be chosen.
enum class ChargeBy {
    prompt_and_max, ///< prompt characters / 4 + max_tokens (16 when absent) × choices
    max_only,       ///< max_tokens, or 16 when absent; embeddings by their input
    billed,         ///< nothing at arrival, the billed tokens when the answer is done
    reserve, ///< prompt + max_tokens (the whole context when absent), cut down to the billed tokens at the
             ///< end
};

std::optional<ChargeBy> charge_by_from(std::string_view word);
std::string_view to_string(ChargeBy charge);

struct LimiterSettings {
    std::int64_t tpm = 30'000;      ///< 0: unlimited
    std::int64_t rpm = 180;         ///< 0: unlimited
    std::chrono::seconds slice{10}; ///< requests are counted over this, not over a minute
    ChargeBy charge = ChargeBy::prompt_and_max;
    WindowKind window = WindowKind::sliding;
    std::int64_t default_max_tokens = 16;
    bool count_rejected = true; ///< refused requests use up RPM too
};

/// What the limiter needs to know of a request.
struct Demand {
    std::int64_t prompt_tokens = 0; ///< by characters, not by a tokenizer
    std::optional<std::int64_t> max_tokens;
    std::int64_t choices = 1;
    std::int64_t context_tokens = 128'000;
    bool embedding = false;
};

enum class Exceeded { nothing, tokens, requests };

struct Verdict {
    Exceeded exceeded = Exceeded::nothing;
    std::chrono::nanoseconds retry_after{0}; ///< exact, in mock time
    std::int64_t charged = 0;
    MockTime at{0};
    bool admitted() const { return exceeded == Exceeded::nothing; }
};

/// What the x-ratelimit-* headers say.
struct QuotaView {
    std::int64_t limit_tokens = 0;
    std::int64_t remaining_tokens = 0;
    std::chrono::nanoseconds reset_tokens{0};
    std::int64_t limit_requests = 0; ///< of one slice, as on the real wire (450 K TPM shows 450)
    std::int64_t remaining_requests = 0;
    std::chrono::nanoseconds reset_requests{0};
};

/// The most that was ever in use at once; what a test compares with the quota.
struct Peaks {
    std::int64_t tokens_window = 0;
    std::int64_t tokens_second = 0;
    std::int64_t requests_slice = 0;
    std::int64_t requests_second = 0;
};

class Limiter {
  public:
    explicit Limiter(const LimiterSettings& settings);

    /// The price of a request at arrival.
    std::int64_t cost(const Demand& demand) const;
    /// Admits and charges, or refuses; a refused request is charged no tokens but counts as a request.
    Verdict admit(const Demand& demand, MockTime now);
    /// A request that failed for another reason: it counts against RPM only.
    void count_failed(MockTime now);
    /// Called once when an admitted request has ended, with the tokens it really used.
    void settle(const Verdict& verdict, std::int64_t billed_tokens, MockTime now);

    /// New limits from now on; what was charged stays charged.
    void set_settings(const LimiterSettings& settings, MockTime now);

    QuotaView view(MockTime now);
    Peaks peaks() const;
    const LimiterSettings& settings() const { return settings_; }

  private:
    struct Second {
        std::int64_t index = -1;
        std::int64_t sum = 0;
        std::int64_t max = 0;
        void add(std::int64_t amount, MockTime now);
    };

    LimiterSettings settings_;
    Meter tokens_;
    Meter requests_;
    Second tokens_second_;
    Second requests_second_;
};

} // namespace headroom::mock
