// Reading, telling a body from a text, and printing the parts.
#include "core/tokens_command.hpp"

#include "balance/prompt/plain_counter.hpp"
#include "balance/prompt/prompt_reader.hpp"
#include "balance/prompt/request_cost.hpp"
#include "balance/request_facts.hpp"
#include "balance/tokens/token_counter.hpp"
#include "balance/tokens/vocabulary.hpp"
#include "core/input_text.hpp"
#include "core/report.hpp"

#include <fmt/format.h>

#include <istream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::core {
namespace {

using balance::Operation;

/// One user's file may take as long as it needs.
constexpr balance::WorkBudget no_end{std::numeric_limits<std::uint64_t>::max()};

std::string_view name_of_encoding(balance::Encoding encoding) {
    switch (encoding) {
        case balance::Encoding::o200k_base: return "o200k_base";
        case balance::Encoding::cl100k_base: return "cl100k_base";
        case balance::Encoding::unknown: return "unknown, counted as o200k_base";
    }
    return "unknown";
}

/// Which API takes such a body; nullopt: it is a text.
std::optional<Operation> operation_of(std::string_view text, std::string_view model) {
    const auto has = [&](std::string_view name) { return text.find(name) != text.npos; };
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos || text[first] != '{') return std::nullopt;
    if (has("\"messages\"")) return Operation::chat;
    if (has("\"prompt\"")) return Operation::completions;
    if (!has("\"input\"")) return std::nullopt;
    return model.starts_with("text-embedding") ? Operation::embeddings : Operation::responses;
}

void print_text(std::string_view text, std::string_view model, balance::Encoding encoding,
                balance::TextCounting& counting, bool json, std::ostream& out) {
    balance::CountedText counted = counting.count(text);
    counted.exact = counted.exact && encoding != balance::Encoding::unknown;
    if (json) {
        out << fmt::format(
            R"({{"kind":"text","model":"{}","encoding":"{}","tokens":{},"exact":{},"bytes":{}}})"
            "\n",
            in_json(model), name_of_encoding(encoding), counted.tokens, counted.exact, text.size());
        return;
    }
    out << fmt::format("{} tokens ({}; {} bytes{})\n", counted.tokens, name_of_encoding(encoding),
                       text.size(), counted.exact ? "" : "; not exact");
}

void print_parts(const balance::PromptParts& parts, std::ostream& out) {
    out << fmt::format("{:<12} {:>6} {:>10} {:>12} {:>12}\n", "part", "items", "tokens", "characters",
                       "bytes");
    for (std::size_t i = 0; i < balance::prompt_part_count; ++i) {
        const balance::PartTotal& part = parts.totals[i];
        if (part == balance::PartTotal{}) continue;
        out << fmt::format("{:<12} {:>6} {:>10} {:>12} {:>12}\n",
                           name_of(static_cast<balance::PromptPart>(i)), part.items, part.tokens,
                           part.characters, part.bytes);
    }
}

void print_body(const balance::PromptParts& parts, const balance::RequestCost& cost, std::string_view model,
                balance::Encoding encoding, bool json, std::ostream& out) {
    if (json) {
        out << fmt::format(R"({{"kind":"{}","model":"{}","encoding":"{}","tokens":{},"exact":{},"parts":{{)",
                           name_of(cost.kind.operation), in_json(model), name_of_encoding(encoding),
                           cost.counted, cost.exact);
        bool any = false;
        for (std::size_t i = 0; i < balance::prompt_part_count; ++i) {
            const balance::PartTotal& part = parts.totals[i];
            if (part == balance::PartTotal{}) continue;
            out << fmt::format(R"({}"{}":{{"items":{},"tokens":{},"characters":{},"bytes":{}}})",
                               any ? "," : "", name_of(static_cast<balance::PromptPart>(i)), part.items,
                               part.tokens, part.characters, part.bytes);
            any = true;
        }
        out << "}" << (cost.cap ? fmt::format(R"(,"cap":{})", cost.cap->count()) : std::string())
            << fmt::format(R"(,"answers":{},"tries":{},"charge":{}}})", cost.answers, cost.tries,
                           cost.cost().charge.count())
            << '\n';
        return;
    }
    print_parts(parts, out);
    out << fmt::format("\n{} prompt tokens ({}, {}{})\n", cost.counted, name_of(cost.kind.operation),
                       name_of_encoding(encoding),
                       cost.exact ? "" : "; not exact: something had to be guessed");
    if (cost.kind.operation == Operation::embeddings) return;
    if (cost.cap) {
        out << fmt::format(
            "at most {} tokens of output{}\n", cost.cap->count() * cost.tries,
            cost.tries > 1 ? fmt::format(", {} answers of {}", cost.tries, cost.cap->count()) : "");
    } else {
        out << "no limit to the output\n";
    }
    out << fmt::format("a quota that counts the prompt and the limit is charged {}{}\n",
                       cost.cost().charge.count(), cost.cap ? "" : " (with an assumed output)");
}

} // namespace

int run_tokens(const Options& options, std::istream& in, std::ostream& out, std::ostream& err) {
    auto text = read_input("tokens", options.file, in, err);
    if (!text) return 2;
    balance::RequestScan scan;
    scan.feed(*text);
    const balance::RequestFacts& facts = scan.finish();
    const std::string model = options.model.empty() ? std::string(facts.model()) : options.model;
    const balance::Encoding encoding = balance::encoding_of_model(model).value_or(
        options.model.empty() ? balance::Encoding::o200k_base : balance::Encoding::unknown);
    const auto vocabulary = std::make_unique<const balance::Vocabulary>();
    const auto counter = std::make_unique<balance::TokenCounter>(*vocabulary, encoding);
    balance::PlainCounter counting(*counter, no_end);
    const auto operation = facts.valid ? operation_of(*text, model) : std::nullopt;
    if (operation) {
        balance::PromptReader reader(text->size(), {});
        const std::string_view whole = *text;
        const balance::BodyPieces body{.pieces = {&whole, 1}, .readable_behind = 0};
        const balance::PromptParts parts =
            reader.read(body, *operation, model, balance::rules_of_model(model), counting);
        const balance::RequestCost cost =
            request_cost(facts, *operation, parts, 0, balance::Overheads(), balance::OutputForecast());
        if (parts.read) {
            print_body(parts, cost, model, encoding, options.json, out);
            return 0;
        }
    }
    print_text(*text, model, encoding, counting, options.json, out);
    return 0;
}

} // namespace headroom::core
