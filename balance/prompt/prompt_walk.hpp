// The walk through one request: which members hold prompt, and what each of them costs.
// One per request, on the stack; only PromptReader makes them. Duplicated members are all counted: more is
// charged than a backend would charge, never less. Split over prompt_walk.cpp (operations and texts),
// prompt_walk_messages.cpp, prompt_walk_tools.cpp and prompt_walk_media.cpp.
#pragma once

#include "balance/operation.hpp"
#include "balance/prompt/json_reading.hpp"
#include "balance/prompt/keyed_digest.hpp"
#include "balance/prompt/model_rules.hpp"
#include "balance/prompt/prompt_parts.hpp"
#include "balance/prompt/text_counting.hpp"
#include "balance/prompt/tools_memo.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace headroom::balance {

/// Adds up the parts of a prompt.
class PromptWalk {
  public:
    /// What the walk works with; nothing is owned.
    struct Tools {
        JsonReading& json;
        TextCounting& counting;
        const ModelRules& rules;
        const KeyedDigest& digest;
        ToolsMemo& memo;
        std::span<char> line; ///< Room for texts that are put together before they are counted.
    };

    PromptWalk(const Tools& tools, PromptParts& parts) noexcept
        : json_(tools.json),
          counting_(tools.counting),
          rules_(tools.rules),
          digest_(tools.digest),
          memo_(tools.memo),
          line_(tools.line),
          parts_(parts) {}

    /// Reads a whole body.
    void read(simdjson::ondemand::object& body, Operation operation, std::string_view model) noexcept;

  private:
    using Value = JsonReading::Value;
    using Kind = JsonReading::Kind;

    /// What decides a request's hidden text; each is part of the block's digest.
    enum class BlockPiece : std::uint64_t {
        model = 1,
        tools,
        functions,
        choice,
        format,
        stored_prompt,
        effort
    };
    /// An image as its part of a message describes it.
    struct Image {
        bool present = false;
        std::string_view url; ///< As it lies in the body; empty when the image is elsewhere.
        ImageDetail detail = ImageDetail::automatic;
    };
    struct File {
        bool present = false;
        std::string_view data; ///< As it lies in the body; empty when the file is elsewhere.
    };
    /// A function's head, or a property's; what it contains is counted when it is met.
    struct Definition {
        std::string_view name;
        std::string_view type;
        std::string_view description;
        bool has_parameters = false;
    };

    void chat_member(std::string_view name, Value& value) noexcept;
    void responses_member(std::string_view name, Value& value) noexcept;
    void completions_member(std::string_view name, Value& value) noexcept;
    void effort(Value& value) noexcept;
    void prediction(Value& value) noexcept;

    void add_text(PromptPart part, std::string_view text) noexcept;
    void add_string(PromptPart part, Value& value) noexcept;
    /// A string, or whatever else stands in its place by its bytes.
    void add_string_or_bytes(PromptPart part, Value& value) noexcept;
    void add_bytes(PromptPart part, std::uint64_t bytes) noexcept;
    /// All strings in a value of unknown shape, except names, ids and embedded data.
    void add_all_strings(PromptPart part, Value& value, unsigned depth) noexcept;
    void add_block(BlockPiece piece, std::string_view raw) noexcept;
    void add_block(const Digest& digest) noexcept;
    void add_framing(std::int64_t tokens) noexcept { framing_ += tokens; }
    /// Texts joined by colons, as one text where there is room.
    void add_line(PromptPart part, std::initializer_list<std::string_view> words) noexcept;

    void messages(Value& value) noexcept;
    void message(Value& value) noexcept;
    void role(Value& value) noexcept;
    void content(Value& value, PromptPart part) noexcept;
    void content_part(Value& value, PromptPart part) noexcept;
    bool content_part_member(std::string_view name, Value& value, PromptPart part, Image& image,
                             File& file) noexcept;
    void call(Value& value) noexcept;
    void call_member(std::string_view name, Value& value) noexcept;
    void input(Value& value) noexcept;
    void item(Value& value) noexcept;
    void stored_prompt(Value& value) noexcept;
    /// Strings or token numbers; how many inputs they are.
    std::uint32_t inputs(Value& value) noexcept;

    void tools(Value& value, BlockPiece piece) noexcept;
    void walk_tools(simdjson::ondemand::array& array) noexcept;
    void tool(Value& value) noexcept;
    void definition_member(std::string_view name, Value& value, Definition& definition) noexcept;
    void choice(Value& value) noexcept;
    void schema(Value& value, unsigned depth) noexcept;
    bool schema_member(std::string_view name, Value& value, unsigned depth) noexcept;
    void properties(Value& value, unsigned depth) noexcept;
    void property(std::string_view name, Value& value, unsigned depth) noexcept;
    void choices_of(Value& value) noexcept;
    void answer_format(Value& value) noexcept;
    void format_member(std::string_view name, Value& value) noexcept;

    void image_url(Value& value, Image& image) noexcept;
    void image_detail(Value& value, Image& image) noexcept;
    void add_image(const Image& image) noexcept;
    void add_embedded_image(std::string_view base64) noexcept;
    void audio(Value& value) noexcept;
    void file(Value& value, File& file) noexcept;
    void add_file(const File& file) noexcept;

    JsonReading& json_;
    TextCounting& counting_;
    const ModelRules& rules_;
    const KeyedDigest& digest_;
    ToolsMemo& memo_;
    std::span<char> line_;
    PromptParts& parts_;
    Digest model_;
    std::int64_t framing_ = 0;
    std::uint32_t texts_ = 0;
    ImageFidelity fidelity_ = ImageFidelity::low;
};

} // namespace headroom::balance
