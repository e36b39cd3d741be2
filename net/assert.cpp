// The failing end of HEADROOM_ASSERT.
#include "net/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace headroom::net {

void assert_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "headroom: invariant broken: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

} // namespace headroom::net
