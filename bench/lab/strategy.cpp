// The register of strategies; file-scope objects fill it before main begins, in an order that nothing depends
// on.
#include "bench/lab/strategy.hpp"

#include <algorithm>
#include <tuple>

namespace headroom::lab {
namespace {

std::vector<StrategyInfo>& registered() {
    static std::vector<StrategyInfo> all;
    return all;
}

} // namespace

void Strategy::answered(const Ask&, std::uint32_t, const Reply&) {}
void Strategy::finished(const Ask&, std::uint32_t, const Reply&, std::int64_t) {}
void Strategy::woken(Time) {}

Registered::Registered(const StrategyInfo& info) {
    registered().push_back(info);
}

std::vector<StrategyInfo> strategies() {
    std::vector<StrategyInfo> all = registered();
    std::ranges::sort(all, [](const StrategyInfo& a, const StrategyInfo& b) {
        return std::tie(a.rank, a.name) < std::tie(b.rank, b.name);
    });
    return all;
}

const StrategyInfo* find_strategy(std::string_view name) {
    const auto found = std::ranges::find(registered(), name, &StrategyInfo::name);
    return found == registered().end() ? nullptr : &*found;
}

} // namespace headroom::lab
