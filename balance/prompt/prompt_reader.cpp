// Brings a body into one piece with room behind it, has simdjson index it, and walks.
#include "balance/prompt/prompt_reader.hpp"

#include "balance/prompt/json_reading.hpp"
#include "balance/prompt/prompt_walk.hpp"
#include "balance/tokens/encoding.hpp"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace headroom::balance {
namespace {

constexpr std::size_t line_bytes_max = std::size_t{16} << 10;
// simdjson looks at no less.
constexpr std::size_t body_bytes_least = 64;

struct PaddedText {
    std::string_view text;
    std::size_t room = 0; ///< Readable bytes from the text's begin.
};

void drop_byte_order_mark(PaddedText& body) noexcept {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (!body.text.starts_with(mark)) return;
    body.text.remove_prefix(mark.size());
    body.room -= mark.size();
}

} // namespace

struct PromptReader::Workspace {
    Workspace(std::size_t body_bytes_max, const DigestKey& key)
        : bytes_max(std::max(body_bytes_max, body_bytes_least)),
          gathered(new char[bytes_max + simdjson::SIMDJSON_PADDING]),
          decoded(new char[bytes_max]),
          line(new char[line_bytes_max]),
          digest(key) {
        // Without memory nothing is read; bodies are then estimated by their bytes.
        ready = parser.allocate(bytes_max) == simdjson::SUCCESS;
    }

    /// One piece where it lies if it has room behind it, else a copy; nullopt when it is too large.
    std::optional<PaddedText> whole(const BodyPieces& body) noexcept {
        std::size_t size = 0;
        for (const std::string_view piece : body.pieces) {
            if (piece.size() > bytes_max - size) return std::nullopt;
            size += piece.size();
        }
        if (body.pieces.size() == 1 && body.readable_behind >= simdjson::SIMDJSON_PADDING)
            return PaddedText{body.pieces[0], size + body.readable_behind};
        char* at = gathered.get();
        for (const std::string_view piece : body.pieces)
            at = std::copy(piece.begin(), piece.end(), at);
        std::fill_n(at, simdjson::SIMDJSON_PADDING, ' ');
        return PaddedText{{gathered.get(), size}, size + simdjson::SIMDJSON_PADDING};
    }

    std::size_t bytes_max;
    // Not initialised, so that memory is used when bodies need it.
    std::unique_ptr<char[]> gathered;
    std::unique_ptr<char[]> decoded;
    std::unique_ptr<char[]> line;
    KeyedDigest digest;
    ToolsMemo memo;
    simdjson::ondemand::parser parser;
    bool ready = false;
};

PromptReader::PromptReader(std::size_t body_bytes_max, const DigestKey& key)
    : workspace_(std::make_unique<Workspace>(body_bytes_max, key)) {}

PromptReader::~PromptReader() = default;
PromptReader::PromptReader(PromptReader&&) noexcept = default;
PromptReader& PromptReader::operator=(PromptReader&&) noexcept = default;

PromptParts PromptReader::read(const BodyPieces& body, Operation operation, std::string_view model,
                               const ModelRules& rules, TextCounting& counting) noexcept {
    Workspace& workspace = *workspace_;
    if (!charges_tokens(operation) || !workspace.ready) return {};
    auto whole = workspace.whole(body);
    if (!whole) return {};
    drop_byte_order_mark(*whole);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const simdjson::padded_string_view padded(whole->text, whole->room);
    if (workspace.parser.iterate(padded).get(document) != simdjson::SUCCESS) return {};
    if (document.get_object().get(object) != simdjson::SUCCESS) return {};
    JsonReading json(whole->text, {workspace.decoded.get(), workspace.bytes_max});
    PromptParts parts;
    PromptWalk walk({.json = json,
                     .counting = counting,
                     .rules = rules,
                     .digest = workspace.digest,
                     .memo = workspace.memo,
                     .line = {workspace.line.get(), line_bytes_max}},
                    parts);
    walk.read(object, operation, model);
    if (json.failed()) return {};
    parts.read = true;
    parts.vocabulary_known = model.empty() || encoding_of_model(model).has_value();
    parts.exact = parts.exact && parts.vocabulary_known;
    return parts;
}

} // namespace headroom::balance
