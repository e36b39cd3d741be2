// What a JSON request asks for, read as Azure reads it: parameters, prompt size, limits, and the errors it
// answers with. Pure. Not here: routes and keys (route.hpp), multipart bodies (multipart.hpp).
#pragma once

#include "tools/mock_azure/marks.hpp"
#include "tools/mock_azure/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

/// What an endpoint does; one per path, whatever the shape of the path.
enum class Operation {
    chat,
    completions,
    responses,
    embeddings,
    audio,
    files,
    models,
    stored_responses,
    objects,
    realtime,
    responses_socket,
    unknown,
};

std::string_view to_string(Operation operation);

struct Ask {
    Operation operation = Operation::chat;
    std::string model;
    std::string prompt; ///< all text of the prompt in order
    std::string last_user_text;
    std::int64_t prompt_characters = 0;
    std::int64_t messages = 0;
    std::optional<std::int64_t> max_tokens;
    std::int64_t choices = 1;
    std::uint64_t seed = 0;
    bool stream = false;
    bool has_stream_options = false;
    bool include_usage = false;
    bool json_answer = false;
    bool store = true;
    bool base64 = false;
    std::int64_t dimensions = 0;
    std::vector<std::string> inputs;        ///< embeddings: one text per vector
    std::vector<std::int64_t> input_tokens; ///< embeddings: size of each
    std::string forced_tool;                ///< name of the function that must be called, empty if none
    std::string previous_response_id;
    bool encrypts_reasoning = false; ///< the answer holds reasoning that only this backend can read
    Marks marks;

    /// Charged by: characters / 4, rounded up.
    std::int64_t prompt_tokens_estimate() const;
    /// Billed: what the "tokenizer" says; near the estimate but never exactly it, as in reality.
    std::int64_t prompt_tokens_billed() const;
};

/// Exactly one of the two is set.
struct AskOrProblem {
    std::optional<Ask> ask;
    std::optional<Problem> problem;
};

/// Reads a JSON body; `context_tokens` is the model's window, beyond it the answer is
/// context_length_exceeded.
AskOrProblem read_ask(Operation operation, std::string_view body, std::int64_t context_tokens);

} // namespace headroom::mock
