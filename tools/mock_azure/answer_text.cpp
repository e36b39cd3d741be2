// JSON pieces that several kinds of answer share.
#include "tools/mock_azure/answer.hpp"

#include <fmt/format.h>

namespace headroom::mock {

std::string json_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
    return out;
}

std::string usage_json(const Usage& usage) {
    return fmt::format(
        R"({{"completion_tokens":{},"completion_tokens_details":{{"accepted_prediction_tokens":0,"audio_tokens":0,)"
        R"("reasoning_tokens":0,"rejected_prediction_tokens":0}},"prompt_tokens":{},"prompt_tokens_details":)"
        R"({{"audio_tokens":0,"cached_tokens":{}}},"total_tokens":{}}})",
        usage.completion, usage.prompt, usage.cached, usage.total());
}

std::string_view clean_filter_json() {
    return R"({"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"detected":false,"filtered":false},)"
           R"("protected_material_text":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})";
}

std::string_view prompt_filter_json() {
    return R"([{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},)"
           R"("jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}])";
}

} // namespace headroom::mock
