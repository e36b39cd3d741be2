// Tools, functions, schemas and the format of the answer.
// Sources: OpenAI cookbook (functions and their properties: its example costs what the API says), and
// hmarr/openai-chat-tokens (the choice of a function). How schemas and nested properties are rendered is not
// published; the same rule is applied to them, and what it misses is learned under the block's digest.
#include "balance/prompt/prompt_walk.hpp"

namespace headroom::balance {
namespace {

constexpr std::int64_t tools_framing = 12;
// "[]"; with blanks in it it makes a block that costs nothing.
constexpr std::size_t empty_array_bytes = 2;
constexpr std::int64_t properties_framing = 3;
constexpr std::int64_t property_framing = 3;
constexpr std::int64_t enumeration_framing = -3;
constexpr std::int64_t enumerator_framing = 3;
constexpr std::int64_t chosen_function_framing = 4;
constexpr std::int64_t no_function_framing = 1;
// Deeper schemas are counted by bytes.
constexpr unsigned schema_depth_max = 24;

std::string_view without_full_stop(std::string_view text) noexcept {
    if (text.ends_with('.')) text.remove_suffix(1);
    return text;
}

} // namespace

void PromptWalk::tools(Value& value, BlockPiece piece) noexcept {
    simdjson::ondemand::array array;
    const std::string_view raw = json_.open_array(value, array);
    if (raw.size() <= empty_array_bytes) return;
    const Digest digest = digest_.of(raw, static_cast<std::uint64_t>(piece));
    add_block(digest);
    const Digest name{digest.low + model_.low, digest.high + model_.high};
    PartTotal& total = parts_.of(PromptPart::tools);
    if (const ToolsCost* const known = memo_.find(name)) {
        total.items += known->texts.items;
        total.tokens += known->texts.tokens;
        total.bytes += known->texts.bytes;
        total.characters += known->texts.characters;
        return add_framing(known->framing);
    }
    const PartTotal before = total;
    const std::int64_t framing_before = framing_;
    const bool exact_before = parts_.exact;
    parts_.exact = true;
    walk_tools(array);
    if (parts_.exact && !json_.failed()) {
        memo_.remember(name, {.texts = {.items = total.items - before.items,
                                        .tokens = total.tokens - before.tokens,
                                        .bytes = total.bytes - before.bytes,
                                        .characters = total.characters - before.characters},
                              .framing = framing_ - framing_before});
    }
    parts_.exact = parts_.exact && exact_before;
}

void PromptWalk::walk_tools(simdjson::ondemand::array& array) noexcept {
    bool some = false;
    json_.each_element_of(array, [&](Value& one) {
        some = true;
        tool(one);
    });
    if (some) add_framing(tools_framing);
}

/// A tool: `{function: {...}}`, `{custom: {...}}`, or the inside alone; those without a name are built in.
void PromptWalk::tool(Value& value) noexcept {
    Definition definition;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "function" || name == "custom") {
            json_.each_member(member, [&](std::string_view inner, Value& inside) {
                definition_member(inner, inside, definition);
            });
        } else if (name == "input_fidelity") {
            if (json_.raw_string(member) == "high") fidelity_ = ImageFidelity::high;
        } else {
            definition_member(name, member, definition);
        }
    });
    if (definition.name.empty()) {
        // What the backend tells the model about its own tools is its secret.
        ++parts_.of(PromptPart::tools).items;
        parts_.exact = false;
        return;
    }
    add_framing(rules_.function);
    add_line(PromptPart::tools, {definition.name, without_full_stop(definition.description)});
}

void PromptWalk::definition_member(std::string_view name, Value& value, Definition& definition) noexcept {
    if (name == "name") {
        definition.name = json_.text(value);
    } else if (name == "description") {
        definition.description = json_.text(value);
    } else if (name == "parameters") {
        schema(value, 0);
    } else if (name == "format") {
        // The grammar of a custom tool.
        add_all_strings(PromptPart::tools, value, 0);
    }
}

void PromptWalk::choice(Value& value) noexcept {
    if (json_.kind(value) == Kind::string) {
        const std::string_view word = json_.raw_string(value);
        if (word == "none") add_framing(no_function_framing);
        // What is the default anyway makes no other block.
        if (word != "auto") add_block(BlockPiece::choice, word);
        return;
    }
    if (json_.kind(value) != Kind::object) return;
    Definition chosen;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "name") chosen.name = json_.text(member);
        if (name != "function" && name != "custom") return;
        json_.each_member(member, [&](std::string_view inner, Value& text) {
            if (inner == "name") chosen.name = json_.text(text);
        });
    });
    if (!chosen.name.empty()) {
        add_framing(chosen_function_framing);
        add_text(PromptPart::tools, chosen.name);
    }
    add_block(BlockPiece::choice, chosen.name);
}

void PromptWalk::schema(Value& value, unsigned depth) noexcept {
    if (depth > schema_depth_max) return add_bytes(PromptPart::tools, json_.raw_json(value).size());
    json_.each_member(value,
                      [&](std::string_view name, Value& member) { schema_member(name, member, depth); });
}

bool PromptWalk::schema_member(std::string_view name, Value& value, unsigned depth) noexcept {
    if (name == "properties" || name == "$defs" || name == "definitions") {
        properties(value, depth);
    } else if (name == "items" || name == "additionalProperties") {
        schema(value, depth + 1);
    } else if (name == "anyOf" || name == "oneOf" || name == "allOf") {
        json_.each_element(value, [&](Value& one) { schema(one, depth + 1); });
    } else {
        return false;
    }
    return true;
}

void PromptWalk::properties(Value& value, unsigned depth) noexcept {
    bool some = false;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        some = true;
        property(name, member, depth + 1);
    });
    if (some) add_framing(properties_framing);
}

void PromptWalk::property(std::string_view name, Value& value, unsigned depth) noexcept {
    if (depth > schema_depth_max) return add_bytes(PromptPart::tools, json_.raw_json(value).size());
    Definition definition{.name = name};
    json_.each_member(value, [&](std::string_view inner, Value& member) {
        if (inner == "description") {
            definition.description = json_.text(member);
        } else if (inner == "type") {
            definition.type = json_.text(member);
            // Several types: the first says most.
            json_.each_element(member, [&](Value& one) {
                if (definition.type.empty()) definition.type = json_.text(one);
            });
        } else if (inner == "enum") {
            choices_of(member);
        } else {
            schema_member(inner, member, depth);
        }
    });
    add_framing(property_framing);
    add_line(PromptPart::tools,
             {definition.name, definition.type, without_full_stop(definition.description)});
}

void PromptWalk::choices_of(Value& value) noexcept {
    if (json_.kind(value) != Kind::array) return;
    add_framing(enumeration_framing);
    json_.each_element(value, [&](Value& one) {
        add_framing(enumerator_framing);
        if (json_.kind(one) == Kind::string) return add_text(PromptPart::tools, json_.text(one));
        add_text(PromptPart::tools, json_.raw_json(one));
    });
}

void PromptWalk::answer_format(Value& value) noexcept {
    if (json_.kind(value) != Kind::object) return;
    bool constrained = false;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        // Chats keep the schema in a member, Responses beside the type.
        if (name == "type") {
            const std::string_view type = json_.raw_string(member);
            constrained = constrained || (type != "text" && !type.empty());
        } else if (name == "json_schema") {
            json_.each_member(member,
                              [&](std::string_view inner, Value& inside) { format_member(inner, inside); });
        } else {
            format_member(name, member);
        }
    });
    // "json_object" changes nothing that is known, but may.
    if (constrained) add_block(BlockPiece::format, "");
}

void PromptWalk::format_member(std::string_view name, Value& value) noexcept {
    if (name == "name" || name == "description") return add_string(PromptPart::schema, value);
    if (name != "schema") return;
    std::string_view raw = json_.raw_json(value);
    add_block(BlockPiece::format, raw);
    // The backend writes the schema its own way, surely without our line breaks.
    std::size_t size = 0;
    constexpr std::size_t room_behind = 64;
    if (raw.size() + room_behind <= line_.size() &&
        simdjson::minify(raw.data(), raw.size(), line_.data(), size) == simdjson::SUCCESS) {
        raw = {line_.data(), size};
    }
    add_text(PromptPart::schema, raw);
    parts_.exact = false;
}

} // namespace headroom::balance
