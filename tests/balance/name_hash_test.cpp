// Deployment names: equal without regard to case, different otherwise, and unpredictable without the seed.
#include "balance/name_hash.hpp"

#include "balance/operation.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace headroom::balance {
namespace {

TEST(NameHash, IgnoresTheCaseOfLetters) {
    EXPECT_EQ(name_hash("GPT-4o", 1), name_hash("gpt-4O", 1));
    EXPECT_NE(name_hash("gpt-4o", 1), name_hash("gpt_4o", 1));
}

TEST(NameHash, DependsOnTheSeed) {
    EXPECT_NE(name_hash("chat", 1), name_hash("chat", 2));
}

TEST(NameHash, TellsNamesOfEveryLengthApart) {
    std::set<std::uint64_t> seen;
    std::string name;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(seen.insert(name_hash(name, 7)).second) << i;
        name += 'a';
    }
    EXPECT_NE(name_hash(std::string_view("a\0", 2), 7), name_hash("a", 7));
    EXPECT_EQ(seen.count(0), 0U);
}

TEST(Operation, NamesAndChargesEveryKind) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < operation_count; ++i)
        names.insert(name_of(static_cast<Operation>(i)));
    EXPECT_EQ(names.size(), operation_count);
    EXPECT_TRUE(charges_tokens(Operation::chat) && charges_tokens(Operation::embeddings));
    EXPECT_FALSE(charges_tokens(Operation::files) || charges_tokens(Operation::models));
}

} // namespace
} // namespace headroom::balance
