// Prompt caching as Azure does it: from 1,024 equal leading tokens on, in steps of 128, forgotten when idle.
// Pure; one per backend, since caches are not shared between resources.
#pragma once

#include "tools/mock_azure/mock_time.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace headroom::mock {

class PromptCache {
  public:
    /// Tokens of this prompt (4 characters each) that were seen before; remembers the prompt.
    std::int64_t lookup(std::string_view prompt, MockTime now);

  private:
    void forget_old(MockTime now);

    std::unordered_map<std::uint64_t, MockTime> seen_; // hash of a prefix → last use
};

} // namespace headroom::mock
