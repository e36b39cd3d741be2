// A backend with room for requests, and a request: what tests of waiting and of supply share.
#pragma once

#include "balance/balancer.hpp"

#include <cstdint>

namespace headroom::balance {

using namespace std::chrono_literals;

inline constexpr Time start{1h};

inline BackendSpec backend(std::int64_t tpm = 60'000) {
    BackendSpec spec;
    spec.tpm = Tokens(tpm);
    spec.rpm = 60'000;
    return spec;
}

inline Demand demand(std::int64_t cost) {
    Demand want;
    want.cost = Tokens(cost);
    return want;
}

} // namespace headroom::balance
