// Embeddings: deterministic unit vectors, as numbers or as base64 of little-endian floats.
#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/random.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace headroom::mock {

static_assert(std::endian::native == std::endian::little,
              "vectors are copied to the wire as they are in memory");

namespace {

std::vector<float> vector_of(std::string_view text, std::int64_t dimensions) {
    Random random(fnv1a(text));
    std::vector<float> values(static_cast<std::size_t>(dimensions));
    double square_sum = 0;
    for (float& value : values) {
        value = static_cast<float>(random.unit() * 2.0 - 1.0);
        square_sum += static_cast<double>(value) * static_cast<double>(value);
    }
    const auto scale = static_cast<float>(1.0 / std::sqrt(square_sum));
    for (float& value : values)
        value *= scale;
    return values;
}

std::string base64_of(const std::vector<float>& values) {
    const std::size_t bytes = values.size() * sizeof(float);
    std::vector<unsigned char> raw(bytes);
    std::memcpy(raw.data(), values.data(), bytes);
    std::vector<unsigned char> text(4 * ((bytes + 2) / 3) + 1);
    const int length = EVP_EncodeBlock(text.data(), raw.data(), static_cast<int>(bytes));
    return '"' + std::string(text.begin(), text.begin() + length) + '"';
}

std::string numbers_of(const std::vector<float>& values) {
    fmt::memory_buffer out;
    out.push_back('[');
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out.push_back(',');
        fmt::format_to(std::back_inserter(out), "{:.8f}", values[i]);
    }
    out.push_back(']');
    return fmt::to_string(out);
}

std::int64_t dimensions_of(std::string_view model, std::int64_t wished) {
    const std::int64_t own = model.find("3-large") != std::string_view::npos ? 3'072 : 1'536;
    return wished == 0 ? own : std::min(wished, own);
}

} // namespace

std::string embeddings_body(const Ask& ask, std::string_view model, std::int64_t prompt_tokens) {
    const std::int64_t dimensions = dimensions_of(model, ask.dimensions);
    std::string data;
    for (std::size_t i = 0; i < ask.inputs.size(); ++i) {
        if (i > 0) data += ',';
        const std::vector<float> values = vector_of(ask.inputs[i], dimensions);
        data += fmt::format(R"({{"object":"embedding","index":{},"embedding":)", i);
        data += ask.base64 ? base64_of(values) : numbers_of(values);
        data += '}';
    }
    return fmt::format(
        R"({{"object":"list","data":[{}],"model":"{}","usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
        data, model, prompt_tokens, prompt_tokens);
}

} // namespace headroom::mock
