// The names of model.py in openai/tiktoken, folded: what is there twice, exact and with a hyphen, is here
// once.
#include "balance/tokens/encoding.hpp"

#include <array>

namespace headroom::balance {
namespace {

struct Family {
    std::string_view name;
    /// What may follow the name; the empty string matches the name alone.
    std::string_view separators;
    Encoding encoding;
};

constexpr std::array families = {
    Family{"gpt-5", "-.", Encoding::o200k_base},
    Family{"gpt-4.5", "-", Encoding::o200k_base},
    Family{"gpt-4.1", "-", Encoding::o200k_base},
    Family{"gpt-4o", "-", Encoding::o200k_base},
    Family{"chatgpt-4o", "-", Encoding::o200k_base},
    Family{"gpt-oss", "-", Encoding::o200k_base},
    Family{"o1", "-", Encoding::o200k_base},
    Family{"o3", "-", Encoding::o200k_base},
    Family{"o4-mini", "-", Encoding::o200k_base},
    Family{"gpt-4", "-", Encoding::cl100k_base},
    Family{"gpt-3.5", "-", Encoding::cl100k_base},
    Family{"gpt-35", "-", Encoding::cl100k_base},
    Family{"davinci-002", "", Encoding::cl100k_base},
    Family{"babbage-002", "", Encoding::cl100k_base},
    Family{"text-embedding-ada-002", "", Encoding::cl100k_base},
    Family{"text-embedding-3", "-", Encoding::cl100k_base},
    // Retired, of other encodings; cl100k_base is near enough.
    Family{"text-davinci", "-", Encoding::cl100k_base},
    Family{"text-curie", "-", Encoding::cl100k_base},
    Family{"text-babbage", "-", Encoding::cl100k_base},
    Family{"text-ada", "-", Encoding::cl100k_base},
    Family{"text-similarity", "-", Encoding::cl100k_base},
    Family{"text-search", "-", Encoding::cl100k_base},
    Family{"code-davinci", "-", Encoding::cl100k_base},
    Family{"code-cushman", "-", Encoding::cl100k_base},
    Family{"code-search", "-", Encoding::cl100k_base},
    Family{"davinci", "-", Encoding::cl100k_base},
    Family{"curie", "-", Encoding::cl100k_base},
    Family{"babbage", "-", Encoding::cl100k_base},
    Family{"ada", "", Encoding::cl100k_base},
    Family{"gpt2", "", Encoding::cl100k_base},
    Family{"gpt-2", "", Encoding::cl100k_base},
};

bool belongs(std::string_view model, const Family& family) noexcept {
    if (!model.starts_with(family.name)) return false;
    return model.size() == family.name.size() ||
           // A fine-tuned model's name goes on with a colon (OpenAI) or with ".ft-" (Azure).
           model[family.name.size()] == ':' || model.substr(family.name.size()).starts_with(".ft-") ||
           family.separators.find(model[family.name.size()]) != std::string_view::npos;
}

} // namespace

std::optional<Encoding> encoding_of_model(std::string_view model) noexcept {
    if (model.starts_with("ft:")) model.remove_prefix(3);
    const Family* longest = nullptr;
    for (const Family& family : families) {
        if (belongs(model, family) && (longest == nullptr || family.name.size() > longest->name.size()))
            longest = &family;
    }
    if (longest == nullptr) return std::nullopt;
    return longest->encoding;
}

} // namespace headroom::balance
