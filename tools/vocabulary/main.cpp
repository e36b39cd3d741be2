// Turns a rank file of OpenAI's into the tables that are embedded: vocabulary_maker <file> <encoding>
// <output>.
#include "tools/vocabulary/bigrams.hpp"
#include "tools/vocabulary/merges.hpp"
#include "tools/vocabulary/pair_placement.hpp"
#include "tools/vocabulary/prefix_tree.hpp"
#include "tools/vocabulary/rank_file.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>

namespace headroom::vocabulary {
namespace {

class Sections {
  public:
    template <class Value>
    void add(std::span<const Value> values, std::size_t end) {
        const auto bytes = std::as_bytes(values);
        content_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (content_.size() > end) throw std::logic_error("a section is longer than its place");
        content_.resize(end);
    }
    [[nodiscard]] const std::string& content() const { return content_; }

  private:
    std::string content_;
};

std::string make_tables(const std::vector<std::string>& tokens) {
    const Merges merges(tokens);
    const std::vector<balance::TokenSplit> splits = merges.canonical_splits();
    const PrefixTree tree = build_prefix_tree(tokens);
    balance::VocabularyHeader header;
    header.tokens = static_cast<std::uint32_t>(tokens.size());
    header.nodes = static_cast<std::uint32_t>(tree.nodes.size());
    header.root_children = tree.root_children;
    for (const std::string& token : tokens)
        header.text_bytes += static_cast<std::uint32_t>(token.size());
    for (std::size_t byte = 0; byte < 256; ++byte) {
        const char text = static_cast<char>(byte);
        header.byte_tokens.at(byte) = static_cast<std::uint8_t>(merges.find({&text, 1}));
    }
    const std::vector<std::uint16_t> displacements = place_pairs(splits, header);
    const std::vector<std::uint64_t> bigrams = collect_bigrams(tokens, header);

    const balance::VocabularySections places(header);
    Sections sections;
    sections.add(std::span<const balance::VocabularyHeader>(&header, 1), places.splits);
    sections.add(std::span<const balance::TokenSplit>(splits), places.displacements);
    sections.add(std::span<const std::uint16_t>(displacements), places.bigrams);
    sections.add(std::span<const std::uint64_t>(bigrams), places.nodes);
    sections.add(std::span<const balance::PrefixNode>(tree.nodes), places.labels);
    sections.add(std::span<const std::uint8_t>(tree.labels), places.shorter);
    sections.add(std::span<const std::uint32_t>(tree.shorter), places.end);
    return sections.content();
}

void make(const char* file, const char* encoding, const char* output) {
    const std::string content = make_tables(read_rank_file(file, encoding));
    std::ofstream stream(output, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    stream.close();
    if (!stream) throw std::runtime_error(std::string("cannot write ") + output);
}

} // namespace
} // namespace headroom::vocabulary

int main(int count, char** arguments) {
    if (count != 4) {
        std::cerr << "usage: vocabulary_maker <file.tiktoken> <encoding> <output>\n";
        return 2;
    }
    try {
        headroom::vocabulary::make(arguments[1], arguments[2], arguments[3]);
    } catch (const std::exception& error) {
        std::cerr << "vocabulary_maker: " << error.what() << '\n';
        return 1;
    }
}
