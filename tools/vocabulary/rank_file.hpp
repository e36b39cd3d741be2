// Reads a .tiktoken file: one token per line, base64, a blank, its rank.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::vocabulary {

/// The tokens of `encoding` by rank. Throws std::runtime_error unless the file is, by its SHA-256, the one
/// that OpenAI publishes (expected_hash in openai/tiktoken, tiktoken_ext/openai_public.py).
std::vector<std::string> read_rank_file(const std::filesystem::path& file, std::string_view encoding);

} // namespace headroom::vocabulary
