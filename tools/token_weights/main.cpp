// Prints what tools/token_weights/fit.py fits: for every file below a folder its category (the file's own
// folder), its size, its exact tokens in both encodings and its features, one line per file, separated by
// tabs.
#include "balance/tokens/text_features.hpp"
#include "balance/tokens/token_counter.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace headroom::balance;

std::uint64_t tokens(TokenCounter& counter, const std::string& text) {
    WorkBudget unlimited{~std::uint64_t{0}};
    return counter.count(text, unlimited).tokens;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: token_weights <folder of folders of text files>\n", stderr);
        return 2;
    }
    const Vocabulary vocabulary;
    TokenCounter o200k(vocabulary, Encoding::o200k_base);
    TokenCounter cl100k(vocabulary, Encoding::cl100k_base);
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
        if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const std::filesystem::path& path : paths) {
        std::ifstream file(path, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        std::printf("%s\t%zu\t%llu\t%llu", path.parent_path().filename().c_str(), text.size(),
                    static_cast<unsigned long long>(tokens(o200k, text)),
                    static_cast<unsigned long long>(tokens(cl100k, text)));
        for (const std::uint64_t count : TextFeatures::of(text).counts())
            std::printf("\t%llu", static_cast<unsigned long long>(count));
        std::putchar('\n');
    }
}
