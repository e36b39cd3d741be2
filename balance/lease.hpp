// The right to send one request to one backend: takes its cost from the quota and accounts for it exactly
// once. Owned by one exchange; move-only. Promises: whatever happens, the reservation ends: reserved + used =
// charged. A lease that is destroyed unsettled is settled as if the backend had done all the work it was
// asked for.
#pragma once

#include "balance/backend_block.hpp"
#include "balance/breaker.hpp"
#include "balance/quantities.hpp"
#include "balance/rate_limits.hpp"
#include "balance/slot.hpp"
#include "balance/usage.hpp"
#include "balance/window.hpp"

#include <cstdint>
#include <optional>

namespace headroom::balance {

class Fleet;

/// A reservation on one (backend, deployment). The Fleet must outlive it.
///
/// Order of calls: observe with the response's header fields, success for an answer that shows a healthy
/// backend (2xx, and errors of the client's own), then exactly one of settle, refused, fault, abandon,
/// overtaken or cancel_unsent, which ends the lease; calls after that do nothing. A fault may follow success:
/// a stream that dies half-way, or before its first content.
class Lease {
  public:
    Lease() noexcept = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    /// True while the reservation is not ended.
    [[nodiscard]] explicit operator bool() const noexcept { return slot_ != nullptr; }
    /// The backend's index in the Fleet; meaningless for an empty lease.
    [[nodiscard]] std::uint32_t backend() const noexcept { return backend_; }
    /// What was reserved.
    [[nodiscard]] Tokens cost() const noexcept { return cost_; }
    /// True when this request decides whether a broken backend is well again.
    [[nodiscard]] bool is_probe() const noexcept { return probes_slot_ || probes_connection_; }

    /// The backend answered as a healthy one does: consecutive faults are forgotten, a probe closes the
    /// breaker.
    void success(Time now) noexcept;
    /// Resynchronises the quota from a response head: learns the limit, and trusts what is remaining as far
    /// as requests in flight cannot explain the difference. A response without such fields changes nothing.
    void observe(const RateLimits& limits, Time now) noexcept;

    /// The first content of its answer came: how fast the backend is.
    void first_content(Duration waited) noexcept;
    /// The wait for it ended after `waited`, before it came, and not by the backend's doing.
    void no_content(Duration waited) noexcept;
    /// What the first content of this request is unusually late after, once enough answers have been seen for
    /// the Fleet's late_quantile.
    [[nodiscard]] std::optional<Duration> late_after() const noexcept;

    /// Ends it with a 429: tokens given back, the request counted, the deployment left alone until the stated
    /// time.
    void refused(const Refusal& refusal, Time now) noexcept;
    /// Ends it with a fault of the backend; what the backend never counted (connect, tls, auth, missing) is
    /// given back. `output`: tokens generated before a response broke off, when that is known.
    void fault(Fault fault, Time now, std::optional<Tokens> output = std::nullopt) noexcept;
    /// Ends it with the usage the backend reported; an empty one for an answer that cost nothing more than
    /// the request.
    void settle(const Usage& usage, Time now) noexcept;
    /// Ends it without usage: the client left or the response ended without saying; `output` is what the
    /// caller knows of the tokens generated so far.
    void abandon(Tokens output, Time now) noexcept;
    /// Ends it because another backend's answer to the same request had content first, `waited` after this
    /// attempt began: as abandon, but who was late and had not said a word is nearer to being broken, or
    /// nobody would notice that it hangs. Returns what stays charged.
    Tokens overtaken(Tokens output, Duration waited, Time now) noexcept;
    /// Ends it before anything was sent: everything is given back, the request count too.
    void cancel_unsent(Time now) noexcept;

  private:
    friend class Fleet;

    bool reserve(Slot& slot, bool only_if_fits, const Moment& now) noexcept;
    void book(Slot& slot, const Moment& now) noexcept;
    bool become_probe(Slot& slot, std::int64_t now_ms) noexcept;
    void claim(Time now) noexcept;
    void answered(std::int64_t now_ms) noexcept;
    void drop() noexcept;
    void resynchronise(const RateLimits& limits, const Refusal* refusal, const Moment& now) noexcept;
    void learn(std::int64_t theirs, std::int64_t limit, const Refusal* refusal, const Moment& now) noexcept;
    void believe(const Moment& now) noexcept;
    void measure(const Refusal& refusal, const Moment& now) noexcept;
    [[nodiscard]] bool agrees(const Refusal& refusal, const Moment& now) const noexcept;
    [[nodiscard]] bool surprises(const Refusal& refusal, std::int64_t theirs, std::int64_t limit,
                                 const Moment& now) noexcept;
    [[nodiscard]] Burst::Verdict measure_burst(const Refusal& refusal, const Moment& now) noexcept;
    void let_in(const Moment& now) noexcept;
    [[nodiscard]] std::int64_t charged_later() const noexcept;
    [[nodiscard]] Duration until_requests_fit(const Moment& now) const noexcept;
    void give_up_probe(std::int64_t now_ms) noexcept;
    [[nodiscard]] bool charges_on_usage() const noexcept;
    [[nodiscard]] Tokens spent(Tokens output) const noexcept;
    void end(Tokens used, Tokens billed, const Moment& now) noexcept;
    void close(Tokens used, Tokens billed) noexcept;
    void leave() noexcept;

    const Fleet* fleet_ = nullptr;
    BackendBlock* block_ = nullptr;
    Slot* slot_ = nullptr;
    std::uint32_t backend_ = 0;
    bool probes_slot_ = false;
    bool probes_connection_ = false;
    bool last_resort_ = false;
    bool unclaimed_ =
        false; ///< Charged to the overflow slot until the backend shows that it has the deployment.
    bool fitted_ = false;           ///< It was predicted to fit.
    bool over_ = false;             ///< It was sent against the prediction.
    bool pending_ = false;          ///< No answer yet.
    std::uint8_t faults_ended_ = 0; ///< Faults in a row that its success ended.
    Tokens cost_;
    Tokens prompt_;
    ChargeBasis basis_;
    ChargeSums sums_before_{}; ///< The slot's sums when this was reserved, this included.
    TokenCharge tokens_;
    RequestCharge requests_;
    std::int64_t charged_before_ = 0; ///< All that was ever charged when this was reserved, this included.
    std::int64_t used_before_ = 0;    ///< All that had ended as charged then.
    std::int64_t pending_before_ = 0; ///< Of that, reserved by others that had no answer yet.
    std::int64_t started_ms_ = 0;
    SlotName name_; ///< To claim a slot by; set only while unclaimed.
};

} // namespace headroom::balance
