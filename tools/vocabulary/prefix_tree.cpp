// Sorted tokens make every node a range of them; the ranges of one length are the nodes of one level.
#include "tools/vocabulary/prefix_tree.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace headroom::vocabulary {
namespace {

struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
    std::uint32_t above; ///< The longest token that is a proper prefix.
};

class Builder {
  public:
    explicit Builder(const std::vector<std::string>& tokens) : tokens_(tokens), sorted_(tokens.size()) {
        std::iota(sorted_.begin(), sorted_.end(), 0U);
        std::sort(sorted_.begin(), sorted_.end(),
                  [&](std::uint32_t left, std::uint32_t right) { return tokens[left] < tokens[right]; });
    }

    PrefixTree build() {
        tree_.shorter.resize(tokens_.size());
        tree_.root_children = add_children({0, sorted_.size(), 0, balance::no_token});
        for (std::size_t node = 0; node < ranges_.size(); ++node) {
            Range range = ranges_[node];
            std::uint32_t token_plus_one = 0;
            // A token sorts before those that it begins.
            if (tokens_[sorted_[range.begin]].size() == range.depth) {
                const std::uint32_t token = sorted_[range.begin++];
                token_plus_one = token + 1;
                tree_.shorter[token] = range.above;
                range.above = token;
            }
            const auto first = static_cast<std::uint32_t>(ranges_.size());
            const std::uint32_t children = add_children(range);
            if (children > 0xff) throw std::runtime_error("a prefix has more than 255 children");
            tree_.nodes.push_back({first, token_plus_one & 0xffffff, static_cast<std::uint8_t>(children)});
        }
        return std::move(tree_);
    }

  private:
    std::uint32_t add_children(Range parent) {
        std::uint32_t children = 0;
        for (std::size_t at = parent.begin; at < parent.end; ++children) {
            const char label = tokens_[sorted_[at]][parent.depth];
            std::size_t end = at + 1;
            while (end < parent.end && tokens_[sorted_[end]][parent.depth] == label)
                ++end;
            ranges_.push_back({at, end, parent.depth + 1, parent.above});
            tree_.labels.push_back(static_cast<std::uint8_t>(label));
            at = end;
        }
        return children;
    }

    const std::vector<std::string>& tokens_;
    std::vector<std::uint32_t> sorted_;
    std::vector<Range> ranges_;
    PrefixTree tree_;
};

} // namespace

PrefixTree build_prefix_tree(const std::vector<std::string>& tokens) {
    return Builder(tokens).build();
}

} // namespace headroom::vocabulary
