// Messages of chats, items of the Responses API, inputs of completions and embeddings.
// Sources: OpenAI cookbook (messages and names), hmarr/openai-chat-tokens (calls and their results).
#include "balance/prompt/prompt_walk.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

// The cost of a call beside its name and arguments, and what a result's role saves.
constexpr std::int64_t call_framing = 3;
constexpr std::int64_t result_framing = -2;

} // namespace

void PromptWalk::messages(Value& value) noexcept {
    json_.each_element(value, [&](Value& one) { message(one); });
}

void PromptWalk::message(Value& value) noexcept {
    add_framing(rules_.message);
    ++parts_.of(PromptPart::framing).items;
    if (json_.kind(value) != Kind::object) return add_string_or_bytes(PromptPart::text, value);
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "content") return content(member, PromptPart::text);
        if (name == "role") return role(member);
        if (name == "name") {
            if (json_.kind(member) == Kind::string) add_framing(rules_.name);
            return add_string(PromptPart::names, member);
        }
        if (name == "refusal") return add_string(PromptPart::text, member);
        if (name == "tool_calls") return json_.each_element(member, [&](Value& one) { call(one); });
        if (name == "function_call") return call(member);
        // An earlier answer that was spoken, which only the backend has.
        if (name == "audio" && json_.kind(member) == Kind::object) parts_.exact = false;
    });
}

void PromptWalk::role(Value& value) noexcept {
    const std::string_view name = json_.text(value);
    if (name == "tool" || name == "function") add_framing(result_framing);
    add_text(PromptPart::names, name);
}

void PromptWalk::content(Value& value, PromptPart part) noexcept {
    switch (json_.kind(value)) {
        case Kind::string: return add_text(part, json_.text(value));
        case Kind::array: return json_.each_element(value, [&](Value& one) { content_part(one, part); });
        case Kind::object: return content_part(value, part);
        default: return add_string_or_bytes(part, value);
    }
}

void PromptWalk::content_part(Value& value, PromptPart part) noexcept {
    if (json_.kind(value) != Kind::object) return add_string_or_bytes(part, value);
    Image image;
    File given;
    bool is_image = false;
    bool has_file_id = false;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "type") {
            const std::string_view type = json_.raw_string(member);
            is_image = type == "input_image" || type == "computer_screenshot";
        } else if (name == "file_id") {
            has_file_id = json_.kind(member) == Kind::string;
        } else {
            content_part_member(name, member, part, image, given);
        }
    });
    // An uploaded picture and an uploaded file differ in the type of their part only.
    image.present = image.present || (is_image && has_file_id);
    given.present = given.present || (!is_image && has_file_id);
    add_image(image);
    add_file(given);
}

bool PromptWalk::content_part_member(std::string_view name, Value& value, PromptPart part, Image& image,
                                     File& given) noexcept {
    if (name == "text" || name == "refusal") {
        add_string_or_bytes(part, value);
    } else if (name == "image_url") {
        image_url(value, image);
    } else if (name == "detail") {
        image_detail(value, image);
    } else if (name == "input_audio") {
        audio(value);
    } else if (name == "file") {
        file(value, given);
    } else if (name == "file_data") {
        given = {true, json_.raw_string(value)};
    } else if (name == "file_url") {
        given.present = json_.kind(value) == Kind::string;
    } else {
        return false;
    }
    return true;
}

/// A call in a message: `{function: {name, arguments}}`, `{custom: {name, input}}`, or the inside alone.
void PromptWalk::call(Value& value) noexcept {
    if (json_.kind(value) != Kind::object) return;
    add_framing(call_framing);
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "function" || name == "custom") {
            json_.each_member(member, [&](std::string_view inner, Value& text) { call_member(inner, text); });
        } else {
            call_member(name, member);
        }
    });
}

void PromptWalk::call_member(std::string_view name, Value& value) noexcept {
    if (name == "name" || name == "arguments" || name == "input")
        add_string_or_bytes(PromptPart::tool_calls, value);
}

void PromptWalk::input(Value& value) noexcept {
    if (json_.kind(value) == Kind::array) return json_.each_element(value, [&](Value& one) { item(one); });
    // A text alone is a message of the user.
    add_framing(rules_.message);
    ++parts_.of(PromptPart::framing).items;
    add_text(PromptPart::names, "user");
    content(value, PromptPart::text);
}

/// An item of a Responses input: what its members hold tells more than its type, which may come last.
void PromptWalk::item(Value& value) noexcept {
    add_framing(rules_.message);
    ++parts_.of(PromptPart::framing).items;
    if (json_.kind(value) != Kind::object) return add_string_or_bytes(PromptPart::text, value);
    Image image;
    File given;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "content" || name == "summary") return content(member, PromptPart::text);
        if (name == "role") return role(member);
        if (name == "output") {
            add_framing(result_framing);
            return content(member, PromptPart::text);
        }
        if (name == "type") {
            if (json_.raw_string(member) == "item_reference") {
                parts_.has_history = true;
                parts_.exact = false;
            }
            return;
        }
        if (name == "encrypted_content") {
            // Base64 of what was thought, of which the backend may drop some.
            if (json_.kind(member) == Kind::string)
                add_bytes(PromptPart::reasoning, json_.raw_string(member).size() / 4 * 3);
            return;
        }
        if (name == "result" && json_.kind(member) == Kind::string)
            return add_embedded_image(json_.raw_string(member));
        if (name == "id" || name == "call_id" || name == "status" || name == "server_label") return;
        if (content_part_member(name, member, PromptPart::text, image, given)) return;
        add_all_strings(PromptPart::tool_calls, member, 0);
    });
    add_image(image);
    add_file(given);
}

/// A prompt that the backend keeps, with values to fill in.
void PromptWalk::stored_prompt(Value& value) noexcept {
    if (json_.kind(value) != Kind::object) return;
    parts_.has_history = true;
    parts_.exact = false;
    json_.each_member(value, [&](std::string_view name, Value& member) {
        if (name == "id") return add_block(BlockPiece::stored_prompt, json_.raw_string(member));
        if (name != "variables") return;
        json_.each_member(member,
                          [&](std::string_view, Value& variable) { content(variable, PromptPart::text); });
    });
}

std::uint32_t PromptWalk::inputs(Value& value) noexcept {
    if (json_.kind(value) != Kind::array) {
        add_string_or_bytes(PromptPart::text, value);
        return 1;
    }
    simdjson::ondemand::array array;
    const std::string_view raw = json_.open_array(value, array);
    const std::size_t first = raw.find_first_not_of(" \t\r\n", 1);
    const bool numbers = first != raw.npos && ((raw[first] >= '0' && raw[first] <= '9') || raw[first] == '-');
    const bool flat = raw.find('[', 1) == raw.npos && raw.find('{') == raw.npos && raw.find('"') == raw.npos;
    if (numbers && flat) {
        // Tokens, one between two commas; they need no look each.
        PartTotal& total = parts_.of(PromptPart::token_ids);
        ++total.items;
        total.tokens += static_cast<std::uint64_t>(std::count(raw.begin(), raw.end(), ',')) + 1;
        total.bytes += raw.size();
        return 1;
    }
    std::uint32_t count = 0;
    json_.each_element_of(array, [&](Value& element) {
        // No server takes arrays in arrays in arrays.
        if (json_.kind(element) == Kind::array) {
            simdjson::ondemand::array tokens;
            const std::string_view inner = json_.open_array(element, tokens);
            PartTotal& total = parts_.of(PromptPart::token_ids);
            ++total.items;
            if (inner.find_first_not_of(" \t\r\n", 1) + 1 != inner.size())
                total.tokens += static_cast<std::uint64_t>(std::count(inner.begin(), inner.end(), ',')) + 1;
            total.bytes += inner.size();
        } else {
            add_string_or_bytes(PromptPart::text, element);
        }
        ++count;
    });
    return count;
}

} // namespace headroom::balance
