// The flow bound as a linear program, solved by Clp. A column is "so much value of these requests at backends
// of this kind within this bin of time". Every row is true of any admission that the limiters of limiter.hpp
// allow:
// - a group is served at most once;
// - a sliding minute: six bins in a row lie within one; a fixed minute: the bins within it; a bucket: its
// level;
// - the requests of a slice.
// Putting requests together keeps the bound: their least cost, their least count and their widest choice are
// taken.
#include "bench/lab/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <coin/Clp_C_Interface.h>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <tuple>

namespace headroom::lab {
namespace {

constexpr Duration bin_length = std::chrono::seconds(10);
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Backends that nothing but their names tells apart.
struct Kind {
    const BackendModel* model;
    double count = 0;
};

/// Requests that come in one bin and are alike.
struct Group {
    double value = 0;
    std::vector<double> cost;   ///< By kind: per value.
    double requests = infinity; ///< Per value.
    std::uint64_t fits = 0;     ///< Bit per kind.
};

bool same_limits(const BackendModel& a, const BackendModel& b) {
    const auto key = [](const LimiterModel& m) {
        return std::tuple(m.tpm, m.requests_per_minute(), m.charge, m.window, m.slice, m.default_max_tokens,
                          m.context, m.burst, m.phase, m.output_weight);
    };
    return key(a.limiter) == key(b.limiter) &&
           std::ranges::equal(a.changes, b.changes, [](const LimitChange& x, const LimitChange& y) {
               return x.at == y.at && x.factor == y.factor;
           });
}

std::vector<Kind> kinds_of(const FleetModel& fleet) {
    std::vector<Kind> kinds;
    for (const BackendModel& backend : fleet.backends) {
        const auto found =
            std::ranges::find_if(kinds, [&](const Kind& k) { return same_limits(*k.model, backend); });
        if (found == kinds.end()) {
            kinds.push_back({&backend, 1});
        } else {
            ++found->count;
        }
    }
    return kinds;
}

double ceiling_of(const BackendModel& backend, double factor) {
    const bool leaks =
        backend.limiter.window == WindowKind::gcra || backend.limiter.window == WindowKind::ptu;
    const double minutes = leaks ? std::chrono::duration<double>(backend.limiter.burst).count() / 60 : 1;
    return static_cast<double>(backend.limiter.tpm) * factor * minutes;
}

/// The program, built row by row.
class Program {
  public:
    Program(const Workload& workload, const FleetModel& fleet, std::size_t columns_max)
        : workload_(workload), kinds_(kinds_of(fleet)) {
        last_ = static_cast<int>((workload.span + fleet.deadline) / bin_length);
        // Somebody admitted in the last instant of bin a may have come in its first.
        reach_ = static_cast<int>((fleet.deadline + bin_length - Duration(1)) / bin_length);
        find_bins();
        const std::size_t per_class = bins_.size() * kinds_.size() * static_cast<std::size_t>(reach_ + 1);
        classes_ = std::clamp<std::size_t>(columns_max / std::max<std::size_t>(per_class, 1), 2, 64);
        add_groups();
        add_columns();
        add_rows();
    }

    double solve() {
        const std::unique_ptr<Clp_Simplex, decltype(&Clp_deleteModel)> model(Clp_newModel(),
                                                                             &Clp_deleteModel);
        Clp_setLogLevel(model.get(), 0);
        Clp_resize(model.get(), 0, static_cast<int>(objective_.size()));
        Clp_chgObjCoefficients(model.get(), objective_.data());
        const std::vector<double> lowest(objective_.size(), 0);
        Clp_chgColumnLower(model.get(), lowest.data());
        Clp_chgColumnUpper(model.get(), upper_.data());
        const std::vector<double> lower(row_upper_.size(), -infinity);
        Clp_addRows(model.get(), static_cast<int>(row_upper_.size()), lower.data(), row_upper_.data(),
                    row_starts_.data(), columns_.data(), elements_.data());
        Clp_setOptimizationDirection(model.get(), -1);
        Clp_initialSolve(model.get());
        if (Clp_status(model.get()) != 0)
            throw std::runtime_error("the flow bound has no optimum: Clp gave up");
        return Clp_objectiveValue(model.get());
    }

  private:
    struct Column {
        std::size_t group;
        std::size_t kind;
        int bin;
    };

    /// The bins in which anybody can be served: nights of a long trace need no rows.
    void find_bins() {
        for (const Request& request : workload_.requests) {
            const int first = static_cast<int>(request.at.time_since_epoch() / bin_length);
            const int next = bins_.empty() ? first : std::max(first, bins_.back() + 1);
            for (int bin = next; bin <= std::min(first + reach_, last_); ++bin)
                bins_.push_back(bin);
        }
    }

    /// Classes of equal size by cost per value, so that little is lost by taking the least of each.
    std::vector<std::size_t> classes_of_requests() const {
        std::vector<std::size_t> order(workload_.requests.size());
        std::vector<double> ratio(order.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            const Request& request = workload_.requests[i];
            order[i] = i;
            ratio[i] = static_cast<double>(least_charge(*kinds_[0].model, request)) /
                       static_cast<double>(std::max<std::int64_t>(request.billed(), 1));
        }
        std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
            return std::tie(ratio[a], a) < std::tie(ratio[b], b);
        });
        std::vector<std::size_t> result(order.size());
        for (std::size_t rank = 0; rank < order.size(); ++rank)
            result[order[rank]] = rank * classes_ / order.size();
        return result;
    }

    void add_groups() {
        const std::vector<std::size_t> classes = classes_of_requests();
        std::map<std::tuple<int, std::size_t, std::uint64_t>, std::size_t> index;
        for (std::size_t i = 0; i < workload_.requests.size(); ++i) {
            const Request& request = workload_.requests[i];
            const auto value = static_cast<double>(request.billed());
            if (value <= 0) continue;
            std::uint64_t fits = 0;
            for (std::size_t k = 0; k < kinds_.size(); ++k) {
                const double most = highest_factor(*kinds_[k].model, Time{}, Time::max());
                const auto least = static_cast<double>(least_charge(*kinds_[k].model, request));
                if (least <= ceiling_of(*kinds_[k].model, most)) fits |= std::uint64_t{1} << k;
            }
            if (fits == 0) continue;
            const int bin = static_cast<int>(request.at.time_since_epoch() / bin_length);
            const auto [at, added] = index.emplace(std::tuple(bin, classes[i], fits), groups_.size());
            if (added) {
                groups_.push_back({0, std::vector<double>(kinds_.size(), infinity), infinity, fits});
                group_bins_.push_back(bin);
            }
            Group& group = groups_[at->second];
            group.value += value;
            group.requests = std::min(group.requests, 1 / value);
            for (std::size_t k = 0; k < kinds_.size(); ++k) {
                const auto least = static_cast<double>(least_charge(*kinds_[k].model, request));
                group.cost[k] = std::min(group.cost[k], least / value);
            }
        }
    }

    void add_columns() {
        at_.resize(kinds_.size() * bins_.size());
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            for (std::size_t k = 0; k < kinds_.size(); ++k) {
                if ((groups_[g].fits >> k & 1U) == 0) continue;
                for (int bin = group_bins_[g]; bin <= std::min(group_bins_[g] + reach_, last_); ++bin) {
                    at_[cell(k, place_of(bin))].push_back(columns_of_.size());
                    columns_of_.push_back({g, k, bin});
                    objective_.push_back(1);
                    upper_.push_back(groups_[g].value);
                }
            }
        }
    }

    /// The place in bins_ of the first that is not before `bin`.
    [[nodiscard]] std::size_t place_of(int bin) const {
        return static_cast<std::size_t>(std::ranges::lower_bound(bins_, bin) - bins_.begin());
    }
    [[nodiscard]] std::size_t cell(std::size_t kind, std::size_t place) const {
        return kind * bins_.size() + place;
    }

    void add_element(std::size_t column, double element) {
        columns_.push_back(static_cast<int>(column));
        elements_.push_back(element);
    }
    void end_row(double upper) {
        row_upper_.push_back(upper);
        row_starts_.push_back(static_cast<int>(columns_.size()));
    }

    void add_rows() {
        std::vector<std::vector<std::size_t>> of_group(groups_.size());
        for (std::size_t i = 0; i < columns_of_.size(); ++i)
            of_group[columns_of_[i].group].push_back(i);
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            for (const std::size_t column : of_group[g])
                add_element(column, 1);
            end_row(groups_[g].value);
        }
        for (std::size_t k = 0; k < kinds_.size(); ++k) {
            add_request_rows(k);
            const LimiterModel& limiter = kinds_[k].model->limiter;
            if (limiter.window == WindowKind::gcra || limiter.window == WindowKind::ptu) {
                add_bucket_rows(k);
            } else if (limiter.charge != ChargeBy::billed) {
                add_window_rows(k);
            }
        }
    }

    void add_bins(std::size_t kind, int first, int last, bool tokens) {
        for (std::size_t place = place_of(first); place < bins_.size() && bins_[place] <= last; ++place) {
            for (const std::size_t column : at_[cell(kind, place)]) {
                const Group& group = groups_[columns_of_[column].group];
                add_element(column, tokens ? group.cost[kind] : group.requests);
            }
        }
    }

    [[nodiscard]] double factor(std::size_t kind, int first, int last) const {
        return highest_factor(*kinds_[kind].model, Time(first * bin_length), Time((last + 1) * bin_length));
    }

    void add_request_rows(std::size_t kind) {
        const LimiterModel& limiter = kinds_[kind].model->limiter;
        const double slice = std::chrono::duration<double>(limiter.slice).count();
        const int bins = std::max(1, static_cast<int>(limiter.slice / bin_length));
        const double slices = std::ceil(10.0 * bins / slice - 1e-9);
        for (const int bin : bins_) {
            const double per_slice =
                limiter.requests_per_minute() * factor(kind, bin, bin + bins - 1) * slice / 60;
            add_bins(kind, bin, bin + bins - 1, false);
            end_row(kinds_[kind].count * slices * std::max(1.0, std::floor(per_slice + 1e-9)));
        }
    }

    void add_window_rows(std::size_t kind) {
        const LimiterModel& limiter = kinds_[kind].model->limiter;
        const bool fixed = limiter.window == WindowKind::fixed;
        const Duration offset = fixed ? limiter.phase % std::chrono::minutes(1) : Duration::zero();
        int done = std::numeric_limits<int>::min();
        for (const int begin : bins_) {
            // Bins that lie wholly within the minute that begins with this bin, or that it is in.
            const int shift = static_cast<int>((offset + bin_length - Duration(1)) / bin_length);
            const int bin = fixed ? (begin - shift + 6) / 6 * 6 - 6 : begin;
            if (bin == done) continue;
            done = bin;
            const int first = bin + shift;
            const int last = bin + static_cast<int>((offset + std::chrono::minutes(1)) / bin_length) - 1;
            add_bins(kind, first, last, true);
            end_row(kinds_[kind].count *
                    ceiling_of(*kinds_[kind].model, factor(kind, std::max(first, 0), last)));
        }
    }

    /// The level at the end of a bin is at least that before it, and what came, less what leaked; and it is
    /// bounded.
    void add_bucket_rows(std::size_t kind) {
        std::size_t before = nowhere;
        for (std::size_t place = 0; place < bins_.size(); ++place) {
            const int bin = bins_[place];
            const bool gap = place > 0 && bins_[place - 1] + 1 < bin;
            // What leaks while nobody comes makes room for what was there before, and no more.
            if (gap) before = add_level(kind, bins_[place - 1] + 1, bin - 1, before, nowhere);
            before = add_level(kind, bin, bin, before, place);
        }
    }

    /// The level at the end of bin `last`, of which those from `first` on have leaked; `came` is the place of
    /// the bin whose requests came, or nowhere.
    std::size_t add_level(std::size_t kind, int first, int last, std::size_t before, std::size_t came) {
        const BackendModel& model = *kinds_[kind].model;
        const double leak = static_cast<double>(model.limiter.tpm) * factor(kind, first, last) / 6 *
                            (last - first + 1) * kinds_[kind].count;
        const std::size_t level = objective_.size();
        objective_.push_back(0);
        // What was let in stays when the limit drops.
        upper_.push_back(kinds_[kind].count * ceiling_of(model, factor(kind, 0, last)));
        if (came != nowhere) add_bins(kind, last, last, true);
        if (before != nowhere) add_element(before, 1);
        add_element(level, -1);
        end_row(leak);
        return level;
    }

    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    const Workload& workload_;
    std::vector<Kind> kinds_;
    int last_ = 0; ///< Bin.
    int reach_ = 0;
    std::vector<int> bins_; ///< In order.
    std::size_t classes_ = 1;
    std::vector<Group> groups_;
    std::vector<int> group_bins_;
    std::vector<Column> columns_of_;
    std::vector<std::vector<std::size_t>> at_; ///< Columns by kind and place of the bin.
    std::vector<double> objective_;
    std::vector<double> upper_;
    std::vector<double> row_upper_;
    std::vector<int> row_starts_ = {0};
    std::vector<int> columns_;
    std::vector<double> elements_;
};

} // namespace

double flow_bound(const Workload& workload, const FleetModel& fleet, std::size_t columns_max) {
    if (workload.requests.empty()) return 0;
    // What the solver leaves to rounding must not make the bound too low.
    const double value = Program(workload, fleet, columns_max).solve() * (1 + 1e-7) + 1e-3;
    return value / (std::chrono::duration<double>(workload.span).count() / 60);
}

} // namespace headroom::lab
