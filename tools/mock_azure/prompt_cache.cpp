// Prefix hashes with an expiry.
#include "tools/mock_azure/prompt_cache.hpp"

#include "tools/mock_azure/random.hpp"

#include <algorithm>
#include <chrono>

namespace headroom::mock {

namespace {

constexpr std::size_t step_characters = 128 * 4;
constexpr std::size_t first_steps = 8; // 1,024 tokens
constexpr std::size_t prefixes_max = 100'000;
constexpr std::chrono::minutes idle_max{10};

} // namespace

std::int64_t PromptCache::lookup(std::string_view prompt, MockTime now) {
    const std::size_t steps = prompt.size() / step_characters;
    if (steps < first_steps) return 0;
    if (seen_.size() > prefixes_max) forget_old(now);
    std::uint64_t hash = fnv1a({});
    std::size_t known = 0;
    for (std::size_t step = 1; step <= steps; ++step) {
        hash = fnv1a(prompt.substr((step - 1) * step_characters, step_characters), hash);
        const auto [entry, is_new] = seen_.try_emplace(hash, now);
        if (!is_new && now - entry->second <= idle_max && known + 1 == step) known = step;
        entry->second = now;
    }
    return known < first_steps ? 0 : static_cast<std::int64_t>(known) * 128;
}

void PromptCache::forget_old(MockTime now) {
    std::erase_if(seen_, [now](const auto& entry) { return now - entry.second > idle_max; });
    if (seen_.size() > prefixes_max) seen_.clear();
}

} // namespace headroom::mock
