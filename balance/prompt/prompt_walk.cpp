// Which members each operation has, and how texts are tallied.
#include "balance/prompt/prompt_walk.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace headroom::balance {
namespace {

// o200k_base needs 3.3 to 4.9 bytes per token in prose and code of all large scripts.
constexpr std::uint64_t bytes_per_token = 4;
// The start of the answer, which is part of every chat's prompt.
constexpr std::int64_t priming = 3;
// Deeper values are counted by bytes.
constexpr unsigned depth_max = 24;
// Further texts go by their bytes: counting a text has a price beside its length, and services take 2,048
// messages or inputs.
constexpr std::uint32_t texts_max = 20'000;

/// Bytes that begin a character, 32 at a time; a lane counts to 255 before it is added up.
std::uint64_t code_points(std::string_view text) noexcept {
    using Lanes = signed char __attribute__((vector_size(32)));
    constexpr std::size_t lane_count = sizeof(Lanes);
    // Continuation bytes are 0x80 to 0xbf: as signed numbers, the 64 smallest.
    constexpr signed char continuation_max = -65;
    std::uint64_t count = 0;
    std::size_t at = 0;
    while (text.size() - at >= lane_count) {
        const std::size_t rounds = std::min<std::size_t>((text.size() - at) / lane_count, 255);
        Lanes lanes{};
        for (const std::size_t end = at + rounds * lane_count; at != end; at += lane_count) {
            Lanes bytes;
            std::memcpy(&bytes, text.data() + at, sizeof bytes);
            // A comparison is -1 where it holds.
            lanes -= bytes > continuation_max;
        }
        for (std::size_t i = 0; i < lane_count; ++i)
            count += static_cast<unsigned char>(lanes[i]);
    }
    for (; at != text.size(); ++at)
        count += static_cast<signed char>(text[at]) > continuation_max;
    return count;
}

constexpr std::uint64_t tokens_of_bytes(std::uint64_t bytes) noexcept {
    return (bytes + bytes_per_token - 1) / bytes_per_token;
}

bool is_id(std::string_view name) noexcept {
    return name == "id" || name == "type" || name == "status" || name.ends_with("_id");
}

} // namespace

void PromptWalk::read(simdjson::ondemand::object& body, Operation operation,
                      std::string_view model) noexcept {
    parts_.block = model_ = digest_.of(model, static_cast<std::uint64_t>(BlockPiece::model));
    json_.each_member_of(body, [&](std::string_view name, Value& value) {
        switch (operation) {
            case Operation::chat: return chat_member(name, value);
            case Operation::responses: return responses_member(name, value);
            case Operation::completions: return completions_member(name, value);
            case Operation::embeddings:
                if (name == "input") inputs(value);
                return;
            default: return;
        }
    });
    if (operation == Operation::chat || operation == Operation::responses) {
        PartTotal& framing = parts_.of(PromptPart::framing);
        framing.tokens = static_cast<std::uint64_t>(std::max<std::int64_t>(framing_ + priming, 0));
    }
}

void PromptWalk::chat_member(std::string_view name, Value& value) noexcept {
    if (name == "messages") return messages(value);
    if (name == "tools") return tools(value, BlockPiece::tools);
    if (name == "functions") return tools(value, BlockPiece::functions);
    if (name == "tool_choice" || name == "function_call") return choice(value);
    if (name == "response_format") return answer_format(value);
    if (name == "prediction") return prediction(value);
    if (name == "reasoning_effort") return effort(value);
}

void PromptWalk::responses_member(std::string_view name, Value& value) noexcept {
    if (name == "input") return input(value);
    if (name == "instructions") {
        add_framing(rules_.message);
        return content(value, PromptPart::text);
    }
    if (name == "tools") return tools(value, BlockPiece::tools);
    if (name == "tool_choice") return choice(value);
    if (name == "prompt") return stored_prompt(value);
    if (name == "previous_response_id" || name == "conversation") {
        const Kind kind = json_.kind(value);
        if (kind == Kind::string || kind == Kind::object) parts_.has_history = true, parts_.exact = false;
        return;
    }
    if (name == "text") {
        json_.each_member(value, [&](std::string_view inner, Value& format) {
            if (inner == "format") answer_format(format);
        });
        return;
    }
    if (name == "reasoning") {
        json_.each_member(value, [&](std::string_view inner, Value& wanted) {
            if (inner == "effort") effort(wanted);
        });
    }
}

void PromptWalk::completions_member(std::string_view name, Value& value) noexcept {
    if (name == "prompt") {
        parts_.prompts = std::max<std::uint32_t>(inputs(value), 1);
    } else if (name == "suffix") {
        add_string(PromptPart::text, value);
    }
}

void PromptWalk::effort(Value& value) noexcept {
    const std::string_view wanted = json_.raw_string(value);
    if (wanted.empty()) return;
    parts_.effort = digest_.of(wanted, static_cast<std::uint64_t>(BlockPiece::effort)).low | 1;
}

/// A predicted output is no part of the prompt, but what is not taken over of it is billed as output.
void PromptWalk::prediction(Value& value) noexcept {
    const auto add = [&](Value& text) {
        parts_.prediction_tokens += counting_.count(json_.text(text)).tokens;
    };
    json_.each_member(value, [&](std::string_view name, Value& content_value) {
        if (name != "content") return;
        if (json_.kind(content_value) == Kind::string) return add(content_value);
        json_.each_element(content_value, [&](Value& part) {
            json_.each_member(part, [&](std::string_view inner, Value& text) {
                if (inner == "text") add(text);
            });
        });
    });
}

void PromptWalk::add_text(PromptPart part, std::string_view text) noexcept {
    PartTotal& total = parts_.of(part);
    ++total.items;
    if (text.empty()) return;
    const CountedText counted =
        texts_ < texts_max ? counting_.count(text) : CountedText{tokens_of_bytes(text.size()), false};
    ++texts_;
    total.tokens += counted.tokens;
    total.bytes += text.size();
    total.characters += code_points(text);
    parts_.exact = parts_.exact && counted.exact;
}

void PromptWalk::add_string(PromptPart part, Value& value) noexcept {
    if (json_.kind(value) == Kind::string) add_text(part, json_.text(value));
}

void PromptWalk::add_string_or_bytes(PromptPart part, Value& value) noexcept {
    if (json_.kind(value) == Kind::string) return add_text(part, json_.text(value));
    const std::string_view raw = json_.raw_json(value);
    if (raw != "null") add_bytes(PromptPart::other, raw.size());
}

void PromptWalk::add_bytes(PromptPart part, std::uint64_t bytes) noexcept {
    PartTotal& total = parts_.of(part);
    ++total.items;
    total.bytes += bytes;
    total.tokens += tokens_of_bytes(bytes);
    parts_.exact = false;
}

void PromptWalk::add_all_strings(PromptPart part, Value& value, unsigned depth) noexcept {
    if (depth > depth_max) return add_bytes(PromptPart::other, json_.raw_json(value).size());
    switch (json_.kind(value)) {
        case Kind::string: {
            if (!json_.raw_string(value).starts_with("data:")) add_text(part, json_.text(value));
            return;
        }
        case Kind::array:
            return json_.each_element(value,
                                      [&](Value& element) { add_all_strings(part, element, depth + 1); });
        case Kind::object:
            return json_.each_member(value, [&](std::string_view name, Value& member) {
                if (!is_id(name)) add_all_strings(part, member, depth + 1);
            });
        default: return;
    }
}

void PromptWalk::add_block(BlockPiece piece, std::string_view raw) noexcept {
    add_block(digest_.of(raw, static_cast<std::uint64_t>(piece)));
}

void PromptWalk::add_block(const Digest& digest) noexcept {
    // A sum of keyed digests, each for its own purpose: the order of members does not matter.
    parts_.block.low += digest.low;
    parts_.block.high += digest.high;
    parts_.has_block = true;
}

void PromptWalk::add_line(PromptPart part, std::initializer_list<std::string_view> words) noexcept {
    std::size_t size = words.size() - 1;
    for (const std::string_view word : words)
        size += word.size();
    if (size > line_.size()) {
        // One or two tokens more than the joined text has.
        for (const std::string_view word : words)
            add_text(part, word);
        return;
    }
    std::size_t at = 0;
    for (const std::string_view word : words) {
        if (at != 0) line_[at++] = ':';
        std::copy(word.begin(), word.end(), line_.begin() + static_cast<std::ptrdiff_t>(at));
        at += word.size();
    }
    add_text(part, {line_.data(), at});
}

} // namespace headroom::balance
