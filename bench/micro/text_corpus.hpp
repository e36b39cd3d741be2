// Texts of several kinds to measure with: files of this machine, the same ones in the same order each time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::bench {

/// Documents of one kind, each at most 60 KB; empty where the machine has no such files.
struct TextClass {
    std::string name;
    std::vector<std::string> documents;

    [[nodiscard]] std::size_t bytes() const;
};

/// english, cpp, json, python and, from message catalogues, spanish, french, russian, chinese, japanese and
/// korean.
const std::vector<TextClass>& text_corpus();

} // namespace headroom::bench
