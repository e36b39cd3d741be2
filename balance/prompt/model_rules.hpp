// How a model's family charges for what is not text: framing of messages, tools, images.
// Sources: OpenAI cookbook "How to count tokens with tiktoken" (messages, tools), OpenAI's guide to images
// and vision (images). They are priors; what a deployment really adds is learned (overheads.hpp).
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Width and height in pixels; 0 × 0 when unknown.
struct ImageSize {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    [[nodiscard]] bool known() const noexcept { return width != 0 && height != 0; }
    friend bool operator==(const ImageSize&, const ImageSize&) noexcept = default;
};

/// The request's `detail`; `automatic` is charged as high.
enum class ImageDetail : std::uint8_t { automatic, low, high, original };

/// The request's `input_fidelity`, which only models with fidelity tokens know.
enum class ImageFidelity : std::uint8_t { low, high };

/// The tokens of an image by its size: tiles of 512 pixels, or patches of 32.
struct ImageRule {
    enum class Kind : std::uint8_t { tiles, patches };

    Kind kind = Kind::tiles;
    std::uint32_t base = 0;            ///< Tiles: every image, and all of one with low detail.
    std::uint32_t tile = 0;            ///< Tiles: each tile.
    std::uint32_t short_side = 768;    ///< Tiles: the shorter side is shrunk to this.
    std::uint32_t factor_percent = 0;  ///< Patches: tokens of a hundred patches.
    std::uint32_t budget = 0;          ///< Patches: an image is shrunk to at most so many.
    std::uint32_t budget_original = 0; ///< The same with detail `original`.
    std::uint32_t fidelity_square = 0; ///< Added with high fidelity to square images,
    std::uint32_t fidelity_other = 0;  ///< and to others.
};

/// The constants of one family.
struct ModelRules {
    std::int32_t message = 3;  ///< Every message.
    std::int32_t name = 1;     ///< A message with a name.
    std::int32_t function = 7; ///< Every function of tools.
    ImageRule image;
};

/// The rules of a model by the longest known prefix of its name (of the base model when it is fine-tuned);
/// those of gpt-4o when it is unknown.
[[nodiscard]] ModelRules rules_of_model(std::string_view model) noexcept;

/// The tokens of one image; one of unknown size counts as 1024 × 1024.
[[nodiscard]] std::uint64_t image_tokens(const ImageRule& rule, ImageSize size, ImageDetail detail,
                                         ImageFidelity fidelity = ImageFidelity::low) noexcept;

} // namespace headroom::balance
