// Any body costs something sensible, the same wherever it lies and however it is split.
#include "balance/prompt/prompt_reader.hpp"
#include "balance/prompt/request_cost.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Reads every byte of a text, so that a view outside the body is seen.
class TouchingCounter final : public TextCounting {
  public:
    CountedText count(std::string_view text) noexcept override {
        std::uint64_t sum = text.size();
        for (const char c : text)
            sum = sum * 31 + static_cast<unsigned char>(c);
        bytes += text.size();
        return {text.size() / 4 + (sum & 1), (sum & 2) != 0};
    }

    std::uint64_t bytes = 0;
};

constexpr std::size_t body_bytes_max = 1 << 16;

PromptReader& reader() {
    static PromptReader one(body_bytes_max, {});
    return one;
}

constexpr std::string_view model = "gpt-4o";

PromptParts in_pieces(std::string_view body, std::size_t step, Operation operation) {
    // Each piece in a block of exactly its size.
    std::vector<std::vector<char>> blocks;
    for (std::size_t at = 0; at < body.size(); at += step) {
        const std::string_view piece = body.substr(at, step);
        blocks.emplace_back(piece.begin(), piece.end());
    }
    std::vector<std::string_view> pieces;
    pieces.reserve(blocks.size());
    for (const std::vector<char>& block : blocks)
        pieces.emplace_back(block.data(), block.size());
    TouchingCounter counter;
    return reader().read({pieces, 0}, operation, model, rules_of_model(model), counter);
}

/// The body at the end of a block that has exactly the room that it needs, filled with what misleads most.
PromptParts where_it_lies(std::string_view body, char behind, Operation operation) {
    constexpr std::size_t room = 64;
    std::vector<char> block(body.size() + room, behind);
    std::memcpy(block.data(), body.data(), body.size());
    const std::string_view pieces[] = {{block.data(), body.size()}};
    TouchingCounter counter;
    const PromptParts parts = reader().read({pieces, room}, operation, model, rules_of_model(model), counter);
    // Every string is counted at most once.
    require(counter.bytes <= 2 * body.size() + 64);
    return parts;
}

void check(std::string_view body, const PromptParts& parts, Operation operation) {
    const PartTotal sum = parts.sum();
    require(sum.characters <= sum.bytes);
    require(sum.bytes <= 3 * body.size() + 64);
    require(parts.prompts >= 1);
    require(parts.read || parts == PromptParts{});
    RequestScan scan;
    scan.feed(body);
    const RequestFacts& facts = scan.finish();
    static const Overheads overheads;
    static const OutputForecast forecast;
    const RequestCost cost = request_cost(facts, operation, parts, 1, overheads, forecast);
    require(cost.prompt >= Tokens(0) && cost.prompt <= request_cost_max);
    require(cost.output >= Tokens(0) && cost.output <= cost.output_high &&
            cost.output_high <= request_cost_max);
    require(cost.cost().charge >= cost.prompt && cost.cost().charge <= request_cost_max);
    require(cost.tries >= cost.answers && cost.answers >= 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    // The first byte says how long the pieces are, the second what lies behind the body.
    const std::size_t step = data[0] == 0 ? 1 : data[0];
    const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
    RequestScan scan;
    scan.feed(body);
    // Of a defect simdjson sees only what lies on its way, which what is remembered and what lies behind the
    // body can shorten; such bodies cost by their bytes.
    const bool valid = scan.finish().valid;
    for (const Operation operation :
         {Operation::chat, Operation::responses, Operation::completions, Operation::embeddings}) {
        const PromptParts whole = in_pieces(body, body.size() + 1, operation);
        const PromptParts split = in_pieces(body, step, operation);
        const PromptParts in_place = where_it_lies(body, static_cast<char>(data[1]), operation);
        for (const PromptParts* const parts : {&whole, &split, &in_place}) {
            check(body, *parts, operation);
            require(*parts == whole || !valid);
        }
    }
    return 0;
}
