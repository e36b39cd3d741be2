// Names of models, as OpenAI and Azure write them, and the encodings that their texts are counted in.
#include "balance/tokens/encoding.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

TEST(EncodingOfModel, KnowsTheFamiliesOfO200k) {
    for (const char* model : {"gpt-4o",
                              "gpt-4o-mini",
                              "gpt-4o-2024-08-06",
                              "gpt-4o-realtime-preview",
                              "gpt-4o-audio-preview",
                              "gpt-5",
                              "gpt-5-mini",
                              "gpt-5.1",
                              "gpt-5.2-chat",
                              "gpt-4.1",
                              "gpt-4.1-nano-2025-04-14",
                              "gpt-4.5-preview",
                              "chatgpt-4o-latest",
                              "o1",
                              "o1-mini",
                              "o3",
                              "o3-mini-2025-01-31",
                              "o4-mini",
                              "o4-mini-high",
                              "gpt-oss-120b",
                              "ft:gpt-4o-2024-08-06:org::id",
                              "ft:gpt-4.1-mini",
                              "gpt-4o-2024-08-06.ft-0123"})
        EXPECT_EQ(encoding_of_model(model), Encoding::o200k_base) << model;
}

TEST(EncodingOfModel, KnowsTheFamiliesOfCl100k) {
    for (const char* model :
         {"gpt-4", "gpt-4-0613", "gpt-4-32k", "gpt-4-turbo", "gpt-4-turbo-2024-04-09", "gpt-3.5-turbo",
          "gpt-3.5-turbo-16k", "gpt-3.5", "gpt-35-turbo", "gpt-35-turbo-16k", "davinci-002", "babbage-002",
          "text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large", "ft:gpt-4-0613:org",
          "ft:gpt-3.5-turbo:my-org:custom:id", "ft:davinci-002", "gpt-35-turbo-0125.ft-0123"})
        EXPECT_EQ(encoding_of_model(model), Encoding::cl100k_base) << model;
}

TEST(EncodingOfModel, CountsRetiredModelsAsCl100k) {
    for (const char* model :
         {"text-davinci-003", "text-davinci-edit-001", "code-davinci-002", "code-cushman-001", "davinci",
          "curie", "ada", "gpt2", "gpt-2", "text-similarity-ada-001"})
        EXPECT_EQ(encoding_of_model(model), Encoding::cl100k_base) << model;
}

TEST(EncodingOfModel, SaysSoWhenItKnowsNothing) {
    for (const char* model :
         {"", "gpt", "gpt-", "gpt-40", "gpt-4ov", "o1x", "o10", "o4", "o", "my-deployment", "claude-3-opus",
          "mistral-large", "text-embedding-4", "ft:", "ft:ft:gpt-4o", "GPT-4O", "xgpt-4o", "gpt-6"})
        EXPECT_EQ(encoding_of_model(model), std::nullopt) << model;
}

} // namespace
} // namespace headroom::balance
