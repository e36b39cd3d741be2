// The one object that shards share: what is known of every backend's quota and health, per deployment.
// Shared by all shards, lock-free, fixed in size once constructed; never copied or moved. Promises: no token
// of a quota is promised twice, a hostile client that invents deployment names neither evicts a real one nor
// makes this grow. Not here: the policy (balancer.hpp), a request's own account (lease.hpp).
#pragma once

#include "balance/lease.hpp"
#include "balance/quantities.hpp"
#include "balance/slot.hpp"
#include "balance/supply.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace headroom::balance {

/// Backends are addressed by a bit each.
inline constexpr std::size_t backends_max = 64;

/// Owners of claims, 0 included: more shards than that wait without claims.
inline constexpr std::uint32_t owners_max = 256;

/// The quota of one deployment, by its name at the backend.
struct DeploymentSpec {
    std::string name;
    Tokens tpm;  ///< 0 = as the backend's.
    int rpm = 0; ///< 0 = derived from tpm if that is given, else as the backend's.
};

/// When a backend's limiter counts a request.
enum class Charging : std::uint8_t {
    on_arrival, ///< Estimated at arrival and never corrected (Azure pay-as-you-go).
    on_usage,   ///< Corrected to the true usage at the end (PTU, OpenAI-compatible servers).
};

/// One backend as configured.
struct BackendSpec {
    std::string name;
    int priority = 1;  ///< Lower first.
    double weight = 1; ///< Share within its priority group; values <= 0 count as very small.
    Tokens tpm;        ///< Tokens per minute of each deployment, 0 = unknown until a response header tells.
    int rpm = 0;       ///< Requests per minute, 0 = 6 per 1,000 TPM if tpm is known, else unlimited.
    double price = 0;  ///< Of a token, relative to the other backends'; 0 = cheapest or not known.
    std::vector<DeploymentSpec> overrides;
    Charging charging = Charging::on_arrival;
};

/// How a Fleet counts.
struct FleetOptions {
    /// Secret of the process: deployment names are hashed with it, so that nobody can craft a name that
    /// shares a slot.
    std::uint64_t seed = 0;
    /// One second; a test with a scaled clock makes it shorter, which scales the minute and the request
    /// window alike.
    Duration tick = std::chrono::seconds(1);
    /// Which quantile of the time to the first content is late (Lease::late_after), within (0, 1); 0: that is
    /// not learned.
    double late_quantile = 0;
    /// How many of 1,000 requests a backend may refuse, 1 at least: to hold it, a part of its quota is left
    /// unused.
    unsigned refusals_per_1000 = balance::refusals_per_1000;
};

/// A snapshot of one slot, for metrics and the dashboard; consistent per field, not across fields.
struct SlotView {
    std::uint32_t backend = 0;
    std::string deployment; ///< Empty for requests without a deployment.
    bool overflow = false;  ///< The slot shared by deployments that are not (yet) told apart.
    Tokens tokens_limit;    ///< Effective per minute, 0 = unknown.
    Tokens tokens_used; ///< In the window, reservations and correction included: what we think the backend
                        ///< counts.
    Tokens tokens_correction;
    Tokens tokens_reserved;   ///< Of leases in flight.
    Tokens tokens_configured; ///< 0 = not configured.
    double margin = 0;        ///< Share of the limit that is kept free because of refusals.
    QuotaLimit::Source limit_source = QuotaLimit::Source::unknown;
    Duration limit_for{};                        ///< How long the limit has been what it is; 0 = always.
    QuotaModel model;                            ///< What was learned of how the quota counts.
    Forgetting forgetting = Forgetting::sliding; ///< The way in force, which refusals alone may have shown.
    Tokens tokens_saved;                         ///< What a bucket saves up; 0 = a window's limit.
    Tokens tokens_rate;              ///< What it drains by per minute as its refusals show; 0 = the limit.
    std::int64_t requests_limit = 0; ///< Per slice, 0 = unknown.
    std::uint32_t requests_slice_s = 10; ///< 1 or 10 (of the quota's own seconds).
    std::int64_t requests_used = 0;
    std::int64_t in_flight = 0;
    Duration blocked_for{}; ///< 0 = not blocked.
    Tokens blocked_above;   ///< Requests up to this cost are not blocked.
    Breaker::State breaker = Breaker::State::closed;
    Breaker::State connection = Breaker::State::closed; ///< Of the whole backend.
    std::int64_t charged_total = 0; ///< Always reserved + used when nothing is in the middle of a change.
    std::int64_t used_total = 0;
    std::int64_t billed_total = 0;
    std::uint64_t sent_total = 0;
    std::uint64_t refusals_total = 0;
    std::uint64_t faults_total = 0;
    ContentDelay::BySize late_after; ///< What first content is late after; of no use where `overflow`.
};

/// What one candidate looks like to one request; the input of every policy. Fleet::look_at fills every field.
struct Outlook {
    enum class State : std::uint8_t {
        open,    ///< May be sent to.
        probe,   ///< Was broken, is due: exactly one request may try it.
        blocked, ///< Its own 429 said to keep away until `recovery`.
        broken,  ///< Its breaker is open until `recovery`, or the deployment is known to be missing.
    };
    State state;
    bool fits;        ///< Predicted to have the tokens and the request slot, beside what others claim.
    bool hopeless;    ///< Its slice of requests is full for certain: one more would only prolong that.
    bool may_go_over; ///< The prediction is not so sure that it may not be tried against it.
    double used;  ///< Largest used fraction of TPM and RPM after this request; above 1 when it does not fit.
    double share; ///< Below 1 while traffic returns after a fault.
    double pace;  ///< Time to the first content per prompt token, in us; 0 = not known.
    double room;  ///< Tokens that would be left after this request; negative when it does not fit.
    double size;  ///< The request's share of the whole limit; 0 = no limit is known.
    double rush;  ///< The share of what will come soon that will not fit: a shortage that is predicted.
    double price; ///< As configured, 0 = the cheapest.
    double usual; ///< What a request costs here on average, relative to this one; 0 = not known.
    Duration recovery; ///< For blocked and broken: from now; at least 1 ms.
};

/// How a request takes its reservation.
enum class Taking : std::uint8_t {
    if_fits,     ///< Only if the prediction allows it, atomically.
    anyway,      ///< Over the prediction: the backend's answer is the truth.
    probe,       ///< As the one request that tries a broken backend.
    last_resort, ///< Although it is broken; its answer closes the breaker.
};
inline constexpr std::size_t taking_count = 4;

/// What the configuration says about choosing: groups of equal priority and weights within them.
struct FleetShape {
    std::uint32_t group_count = 0;
    std::array<std::uint64_t, backends_max> groups{};   ///< Bit per backend; the group to prefer first.
    std::array<double, backends_max> relative_weight{}; ///< To the heaviest of its group, within (0, 1].
    std::array<double, backends_max> inverse_weight{};  ///< One over relative_weight.
};

/// What a request wants from one backend.
struct Want {
    SlotKey deployment;
    Tokens cost;                        ///< As the provider's documents have it; 0 = costs a request only.
    Tokens prompt;                      ///< Of that, the prompt.
    const ChargeBasis* basis = nullptr; ///< What else a quota may count; null: cost and prompt are all.
    std::uint32_t owner = 0;            ///< Whose claims do not count against it, as in Demand.
};

class Fleet {
  public:
    /// Takes up to backends_max backends (more are a programming error) and claims a slot for every override.
    explicit Fleet(std::vector<BackendSpec> backends, FleetOptions options = {});
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    /// Number of backends.
    [[nodiscard]] std::size_t size() const noexcept { return specs_.size(); }
    /// As configured.
    [[nodiscard]] const BackendSpec& spec(std::uint32_t backend) const noexcept { return specs_[backend]; }
    /// The key of a deployment's name at a backend; empty name = hash 0. The view is kept: it must outlive
    /// the Demand.
    [[nodiscard]] SlotKey key(std::string_view upstream_name) const noexcept;

    [[nodiscard]] Moment moment(Time now) const noexcept;
    /// Tells how `backend` looks to a request right now; changes nothing but retiring what has left the
    /// window. Written in place, because this runs for every candidate of every request.
    void look_at(std::uint32_t backend, const Want& want, Moment now, Outlook& look) noexcept;
    /// Until `want` is predicted to fit at `backend` if nothing else comes; zero when it fits now. Not for
    /// broken backends.
    [[nodiscard]] Duration opening(std::uint32_t backend, const Want& want, Moment now) noexcept;
    /// Adds what `backend` will have for requests like `want` (Supply::add); nothing while it is broken.
    void add_supply(std::uint32_t backend, const Want& want, Moment now, Supply& supply) noexcept;
    /// Keeps free what `want` needs at `backend` when it opens, against everybody but its owner, of whom it
    /// takes any other claim; false while somebody else's claim stands there.
    bool claim(std::uint32_t backend, const Want& want, Duration opens, Moment now) noexcept;
    /// Gives up the owner's claim, if there is one.
    void drop_claim(std::uint32_t owner) noexcept;
    /// Reserves; an empty lease when another shard was faster (if_fits) or took the probe.
    [[nodiscard]] Lease take(std::uint32_t backend, const Want& want, Taking taking, Moment now) noexcept;

    /// Groups and weights; never changes.
    [[nodiscard]] const FleetShape& shape() const noexcept { return shape_; }

    /// True when the backend as a whole could be sent something now (its connect breaker is not open); for
    /// readiness.
    [[nodiscard]] bool can_serve(std::uint32_t backend, Time now) const noexcept;
    /// All slots in use, for metrics; allocates, so call it from the control thread.
    [[nodiscard]] std::vector<SlotView> snapshot(Time now);

  private:
    friend class Lease;

    std::vector<BackendSpec> specs_;
    FleetOptions options_;
    FleetShape shape_;
    std::unique_ptr<BackendBlock[]> blocks_;
    std::array<std::atomic<Slot*>, owners_max> claimed_{}; ///< By owner; each is written by that one alone.
};

} // namespace headroom::balance
