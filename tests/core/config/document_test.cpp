// The YAML tree: positions, duplicates, merges, and that no bytes can make it large, deep, slow or fatal.
#include "core/config/document.hpp"

#include "core/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace headroom::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts(const Findings& findings) {
    std::vector<std::string> result;
    for (const auto& finding : findings.all())
        result.push_back(to_string(finding));
    return result;
}

/// The only finding of a text that cannot be read at all.
std::string refusal(std::string_view yaml) {
    Findings findings;
    EXPECT_FALSE(parse_document(yaml, "f", findings).has_value());
    EXPECT_EQ(findings.all().size(), 1U);
    EXPECT_EQ(findings.mistakes(), 1U);
    return findings.all().empty() ? std::string{} : to_string(findings.all().front());
}

std::size_t count_nodes(const Node& node) {
    std::size_t nodes = 1;
    for (const auto& child : node.children)
        nodes += count_nodes(child);
    return nodes;
}

TEST(Document, KeepsKindsOrderAndPlaces) {
    Findings findings;
    const auto root = parse_document("b: 1\na:\n  - x\n  - {k: 'v', n: ~}\n", "f", findings);
    ASSERT_TRUE(root);
    EXPECT_EQ(findings.all().size(), 0U);
    ASSERT_EQ(root->children.size(), 2U);
    EXPECT_EQ(root->children[0].key, "b");
    EXPECT_EQ(root->children[0].text, "1");
    EXPECT_EQ(at("f", root->children[0].key_place), "f:1:1");
    EXPECT_EQ(at("f", root->children[0].place), "f:1:4");
    const auto& list = root->children[1];
    EXPECT_EQ(list.kind, Node::Kind::list);
    EXPECT_EQ(at("f", list.children.at(0).place), "f:3:5");
    const auto& map = list.children.at(1);
    EXPECT_EQ(map.kind, Node::Kind::map);
    EXPECT_EQ(map.children.at(0).text, "v");
    EXPECT_EQ(map.children.at(1).kind, Node::Kind::nothing);
    EXPECT_EQ(at("f", map.children.at(1).key_place), "f:4:14");
}

TEST(Document, TreatsAnEmptyFileAsAnEmptyMapping) {
    for (const auto* yaml : {"", "\n", "# only a comment\n", "---\n", "~"}) {
        Findings findings;
        const auto root = parse_document(yaml, "f", findings);
        ASSERT_TRUE(root) << yaml;
        EXPECT_EQ(root->kind, Node::Kind::map) << yaml;
        EXPECT_TRUE(root->children.empty()) << yaml;
    }
}

TEST(Document, NamesBothPlacesOfADuplicateKey) {
    Findings findings;
    const auto root = parse_document("a: 1\nb: 2\na: 3\n", "f", findings);
    ASSERT_TRUE(root);
    EXPECT_THAT(texts(findings),
                ElementsAre("f:3:1: mistake: `a` is given twice in this mapping; the first is in line 1"));
    EXPECT_EQ(root->children.size(), 2U);
}

TEST(Document, MergesMappingsUnderWhatIsGiven) {
    Findings findings;
    const auto root = parse_document("x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n", "f", findings);
    ASSERT_TRUE(root);
    EXPECT_EQ(findings.all().size(), 0U);
    const auto& y = root->children.at(1);
    ASSERT_EQ(y.children.size(), 2U);
    EXPECT_EQ(y.children[0].key, "b");
    EXPECT_EQ(y.children[0].text, "3");
    EXPECT_EQ(y.children[1].key, "a");
    Findings wrong;
    EXPECT_TRUE(parse_document("<<: 3\n", "f", wrong));
    EXPECT_THAT(texts(wrong), ElementsAre("f:1:1: mistake: `<<` merges a mapping, found a text"));
}

TEST(Document, RefusesWhatIsNoConfiguration) {
    EXPECT_THAT(refusal("a: [1\nb: 2\n"), HasSubstr("f:2:2: mistake: not valid YAML: "));
    EXPECT_THAT(refusal("a: 1\n\tb: 2\n"), HasSubstr("mistake: not valid YAML: "));
    EXPECT_EQ(refusal("a: 1\n---\nb: 1\n"),
              "f: mistake: more than one YAML document (`---`); a configuration is one");
    EXPECT_EQ(refusal("[a]: 1\n"), "f:1:1: mistake: expected a key, found a list");
    EXPECT_EQ(refusal("a: &x [*x]\n"), "f:1:8: mistake: this alias stands inside its own anchor");
    EXPECT_EQ(refusal(std::string(limits::config_file_bytes_max + 1, ' ')),
              "f: mistake: the file is larger than 1048576 bytes; is it the configuration?");
}

TEST(Document, BoundsDepth) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    Findings findings;
    EXPECT_TRUE(parse_document(nested(limits::config_depth_max), "f", findings));
    EXPECT_THAT(refusal(nested(limits::config_depth_max + 2)), HasSubstr("nested deeper than 16 levels"));
    // The parser itself recurses: half a million levels must not be half a million frames.
    EXPECT_THAT(refusal(std::string(500'000, '[')), HasSubstr("mistake: "));
    std::string deep;
    for (int i = 0; i < 1000; ++i)
        deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_THAT(refusal(deep), HasSubstr("mistake: "));
}

TEST(Document, BoundsWhatAliasesCopy) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            bomb += (j > 0 ? ", " : "") + before;
        bomb += "]\n";
    }
    EXPECT_THAT(refusal(bomb),
                HasSubstr("more than 20000 entries or 4194304 bytes once aliases are resolved"));
    std::string long_text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
    for (int i = 0; i < 100; ++i)
        long_text += "*a, ";
    EXPECT_THAT(refusal(long_text + "x]\n"),
                HasSubstr("more than 20000 entries or 4194304 bytes once aliases are resolved"));
    std::string many;
    for (std::size_t i = 0; i <= limits::config_nodes_max; ++i)
        many += "- x\n";
    EXPECT_THAT(refusal(many), HasSubstr("more than 20000 entries"));
}

TEST(Document, SurvivesAnyBytes) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    constexpr std::string_view alphabet = "abc:- \n\t\"'[]{}&*!|>%@#?,~<0\\\x00\xff\xef\xbb\xbf";
    for (int i = 0; i < 3000; ++i) {
        std::string bytes;
        for (auto length = random() % 120; length > 0; --length)
            bytes += random() % 8 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
        Findings findings;
        const auto root = parse_document(bytes, "f", findings);
        ASSERT_TRUE(root || findings.mistakes() > 0) << ::testing::PrintToString(bytes);
        if (root) ASSERT_LE(count_nodes(*root), limits::config_nodes_max);
    }
}

} // namespace
} // namespace headroom::core
