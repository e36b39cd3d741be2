// One row per prefix. What a version or size adds to a family's name often changes how images are charged.
#include "balance/prompt/model_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom::balance {
namespace {

constexpr std::uint32_t patch_budget = 1536;

constexpr ImageRule tiles(std::uint32_t base, std::uint32_t tile) noexcept {
    return {.base = base, .tile = tile};
}

constexpr ImageRule patches(std::uint32_t factor_percent, std::uint32_t budget = patch_budget,
                            std::uint32_t budget_original = 0) noexcept {
    return {.kind = ImageRule::Kind::patches,
            .factor_percent = factor_percent,
            .budget = budget,
            .budget_original = budget_original != 0 ? budget_original : budget};
}

constexpr ModelRules modern(ImageRule image) noexcept {
    return {.image = image};
}

constexpr ModelRules classic{.function = 10, .image = tiles(85, 170)};
constexpr ModelRules omni = modern(tiles(85, 170));
// The one snapshot in which a name replaced the role.
constexpr ModelRules first_turbo{.message = 4, .name = -1, .function = 10, .image = tiles(85, 170)};
constexpr ImageRule generated_images{
    .base = 65, .tile = 129, .short_side = 512, .fidelity_square = 4160, .fidelity_other = 6240};

struct Row {
    std::string_view prefix;
    ModelRules rules;
};

constexpr std::array rows{
    Row{"gpt-3.5", classic},
    Row{"gpt-35", classic},
    Row{"gpt-3.5-turbo-0301", first_turbo},
    Row{"gpt-35-turbo-0301", first_turbo},
    Row{"gpt-4", classic},
    Row{"gpt-4o", omni},
    Row{"chatgpt-4o", omni},
    Row{"gpt-4o-mini", modern(tiles(2833, 5667))},
    Row{"gpt-4.1", omni},
    Row{"gpt-4.1-mini", modern(patches(162))},
    Row{"gpt-4.1-nano", modern(patches(246))},
    Row{"gpt-4.5", omni},
    Row{"gpt-5", modern(tiles(70, 140))},
    Row{"gpt-5-mini", modern(patches(162))},
    Row{"gpt-5-nano", modern(patches(246))},
    Row{"gpt-5.2", modern(patches(100))},
    Row{"gpt-5.3-codex", modern(patches(100))},
    Row{"gpt-5.4", modern(patches(100, 2500, 10'000))},
    Row{"gpt-5.4-mini", modern(patches(162))},
    Row{"gpt-5.4-nano", modern(patches(246))},
    Row{"o1", modern(tiles(75, 150))},
    Row{"o3", modern(tiles(75, 150))},
    Row{"o4-mini", modern(patches(172))},
    Row{"computer-use", modern(tiles(65, 129))},
    Row{"gpt-image-1", modern(generated_images)},
};

constexpr std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) noexcept {
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

std::uint64_t tile_tokens(const ImageRule& rule, ImageSize size, ImageDetail detail) noexcept {
    if (detail == ImageDetail::low) return rule.base;
    constexpr std::uint64_t long_side_max = 2048;
    constexpr std::uint64_t tile_side = 512;
    // Shrunk into 2048 × 2048 and then to the short side: whichever shrinks more, as one exact fraction.
    const std::uint64_t longer = std::max(size.width, size.height);
    const std::uint64_t shorter = std::min(size.width, size.height);
    std::uint64_t part = 1;
    std::uint64_t whole = 1;
    if (longer > long_side_max) part = long_side_max, whole = longer;
    if (shorter * part > rule.short_side * whole) part = rule.short_side, whole = shorter;
    const std::uint64_t across = ceil_div(size.width * part, tile_side * whole);
    const std::uint64_t down = ceil_div(size.height * part, tile_side * whole);
    return rule.base + across * down * rule.tile;
}

std::uint64_t patch_count(ImageSize size, std::uint64_t budget) noexcept {
    constexpr std::uint64_t side = 32;
    const std::uint64_t whole = ceil_div(size.width, side) * ceil_div(size.height, side);
    if (whole <= budget) return whole;
    const double width = size.width;
    const double height = size.height;
    const double shrink = std::sqrt(double{side * side} * static_cast<double>(budget) / (width * height));
    // A little smaller still, so that one side is full of whole patches.
    const double across = width * shrink / side;
    const double down = height * shrink / side;
    const auto whole_part = [](double length) { return length < 1 ? 1 : std::floor(length) / length; };
    const double fit = std::min(whole_part(across), whole_part(down));
    // A hair less than exact, so that a full side does not round up to one patch more.
    constexpr double hair = 1e-9;
    const auto patches_along = [&](double length) {
        return std::max(std::uint64_t{1}, static_cast<std::uint64_t>(std::ceil(length * fit - hair)));
    };
    return std::min(budget, patches_along(across) * patches_along(down));
}

std::uint64_t patch_tokens(const ImageRule& rule, ImageSize size, ImageDetail detail) noexcept {
    // Low detail: the model sees 512 × 512 pixels.
    constexpr std::uint32_t budget_low = 16 * 16;
    std::uint64_t budget = detail == ImageDetail::original ? rule.budget_original : rule.budget;
    if (detail == ImageDetail::low) budget = std::min(rule.budget, budget_low);
    return ceil_div(patch_count(size, budget) * rule.factor_percent, 100);
}

} // namespace

ModelRules rules_of_model(std::string_view model) noexcept {
    if (model.starts_with("ft:")) model.remove_prefix(3);
    const Row* best = nullptr;
    for (const Row& row : rows) {
        if (model.starts_with(row.prefix) && (best == nullptr || row.prefix.size() > best->prefix.size()))
            best = &row;
    }
    ModelRules rules = best != nullptr ? best->rules : omni;
    // gpt-5-codex-mini, gpt-5.1-codex-mini and what follows.
    if (model.starts_with("gpt-5") && model.find("-codex-mini") != model.npos) rules.image = patches(100);
    return rules;
}

std::uint64_t image_tokens(const ImageRule& rule, ImageSize size, ImageDetail detail,
                           ImageFidelity fidelity) noexcept {
    if (!size.known()) size = {1024, 1024};
    std::uint64_t tokens = rule.kind == ImageRule::Kind::tiles ? tile_tokens(rule, size, detail)
                                                               : patch_tokens(rule, size, detail);
    if (fidelity == ImageFidelity::high)
        tokens += size.width == size.height ? rule.fidelity_square : rule.fidelity_other;
    return tokens;
}

} // namespace headroom::balance
