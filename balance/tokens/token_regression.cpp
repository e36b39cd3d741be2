// The weights, made by tools/token_weights/fit.py from exact counts of 23,000 documents (109 MB): manuals in
// 40 languages, source code of 20 kinds, JSON, YAML, Markdown, HTML, tables and the translated messages of
// programs in every script.
#include "balance/tokens/token_regression.hpp"

namespace headroom::balance {
namespace {

using Weights = std::array<double, text_feature_count>;

constexpr Weights o200k_weights = {0.0967, 0.1336, 0.0878, 0.0191, 0.6820, 0.1055, 0.5997, 0.0436, 1.3737,
                                   0.0000, 1.4448, 0.2586, 0.5581, 0.0000, 1.1389, 1.2595, 0.1862, 0.1167,
                                   0.1078, 0.3393, 0.1208, 0.2808, 0.6553, 0.6517, 0.3204, 1.6736, 3.8839};

constexpr Weights cl100k_weights = {0.1107, 0.1342, 0.0754, 0.0237, 0.6060, 0.1056, 0.5887, 0.0370, 1.3874,
                                    0.0000, 1.5239, 0.2713, 0.4864, 0.0000, 1.3891, 2.2566, 0.8045, 0.3054,
                                    0.5555, 1.2720, 0.6522, 0.2721, 0.9234, 0.9331, 0.7113, 2.0104, 3.8313};

} // namespace

double regressed_tokens(const TextFeatures& features, Encoding encoding) noexcept {
    const Weights& weights = encoding == Encoding::cl100k_base ? cl100k_weights : o200k_weights;
    double tokens = 0;
    for (std::size_t i = 0; i < text_feature_count; ++i)
        tokens += weights[i] * static_cast<double>(features.counts()[i]);
    return tokens;
}

} // namespace headroom::balance
