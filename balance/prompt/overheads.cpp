// A residual belongs to the most uncertain thing that the prompt contains; everything else is taken off first
// by what is known of it.
#include "balance/prompt/overheads.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headroom::balance {
namespace {

// About the last twenty responses count.
constexpr double rest_weight = 0.1;
// A block's residual is the same every time, so the newest is as good as all; not if texts were estimated.
constexpr double block_weight_exact = 1;
constexpr double block_weight_estimated = 0.5;
constexpr std::uint64_t file_kibibytes_unknown = 64;

Tokens rounded(double tokens) noexcept {
    const double limit = static_cast<double>(request_cost_max.count());
    return Tokens(std::llround(std::clamp(tokens, 0.0, limit)));
}

} // namespace

PromptShape shape_of(const PromptParts& parts, std::uint64_t deployment,
                     std::uint64_t previous_response) noexcept {
    constexpr std::uint64_t kibibytes_max = std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t kibibytes =
        (parts.file_bytes + 1023) / 1024 + parts.files_unknown * file_kibibytes_unknown;
    return {.deployment = deployment,
            .block = parts.has_block ? parts.block.low | 1 : 0,
            .response = previous_response,
            .counted = static_cast<std::int64_t>(
                std::min(parts.sum().tokens, static_cast<std::uint64_t>(request_cost_max.count()))),
            .images_unknown = parts.images_unknown,
            .file_kibibytes = static_cast<std::uint32_t>(std::min(kibibytes, kibibytes_max)),
            .has_history = parts.has_history || previous_response != 0,
            .exact = parts.exact,
            .vocabulary_known = parts.vocabulary_known};
}

double Overheads::counted_of(const PromptShape& shape, const Deployment& deployment) noexcept {
    const auto counted = static_cast<double>(shape.counted);
    return shape.vocabulary_known ? counted : counted * deployment.vocabulary.factor();
}

/// What is added to every request: known of its block as soon as one response has shown it, since that
/// includes what the deployment adds.
double Overheads::base_of(const PromptShape& shape, const Deployment& deployment) const noexcept {
    if (shape.block != 0) {
        if (const LearnedMean* const block = blocks_.find(shape.block)) return block->mean();
    }
    return deployment.plain.mean();
}

double Overheads::history_of(const PromptShape& shape, const Deployment& deployment) const noexcept {
    if (!shape.has_history) return 0;
    if (shape.response != 0) {
        if (const std::uint32_t* const total = responses_.find(shape.response)) return *total;
    }
    return deployment.history.mean();
}

Tokens Overheads::expected(const PromptShape& shape) const noexcept {
    static const Deployment unknown;
    const Deployment* const found = deployments_.find(shape.deployment);
    const Deployment& deployment = found != nullptr ? *found : unknown;
    return rounded(counted_of(shape, deployment) + base_of(shape, deployment) +
                   history_of(shape, deployment) + deployment.image.mean() * shape.images_unknown +
                   deployment.file.mean() * shape.file_kibibytes);
}

void Overheads::observe(const PromptShape& shape, Tokens prompt) noexcept {
    if (prompt <= Tokens(0) || prompt > request_cost_max) return;
    Deployment& deployment = deployments_.touch(shape.deployment);
    const double rest = static_cast<double>(prompt.count()) - counted_of(shape, deployment);
    const double base = base_of(shape, deployment);
    const double images = deployment.image.mean() * shape.images_unknown;
    const double files = deployment.file.mean() * shape.file_kibibytes;
    const double history = history_of(shape, deployment);
    if (shape.has_history) {
        const bool known = shape.response != 0 && responses_.find(shape.response) != nullptr;
        if (!known) deployment.history.add(rest - base - images - files, rest_weight);
        return;
    }
    if (shape.file_kibibytes != 0)
        return deployment.file.add((rest - base - images - history) / shape.file_kibibytes, rest_weight);
    if (shape.images_unknown != 0)
        return deployment.image.add((rest - base) / shape.images_unknown, rest_weight);
    // Where another vocabulary counts, everything is off by a factor rather than by a number.
    if (!shape.vocabulary_known)
        return deployment.vocabulary.observe(static_cast<double>(shape.counted),
                                             static_cast<double>(prompt.count()));
    if (shape.block != 0)
        return blocks_.touch(shape.block)
            .add(rest, shape.exact ? block_weight_exact : block_weight_estimated);
    deployment.plain.add(rest, rest_weight);
}

void Overheads::remember_response(std::uint64_t response, Tokens total) noexcept {
    if (response == 0 || total <= Tokens(0)) return;
    responses_.touch(response) = static_cast<std::uint32_t>(std::min(total, request_cost_max).count());
}

} // namespace headroom::balance
