// In blocks, so that an endless input ends at the bound.
#include "core/input_text.hpp"

#include <array>
#include <cstddef>
#include <fstream>
#include <istream>
#include <ostream>

namespace headroom::core {
namespace {

constexpr std::size_t input_bytes_max = std::size_t{64} << 20U;

} // namespace

std::optional<std::string> read_input(std::string_view command, const std::string& file, std::istream& in,
                                      std::ostream& err) {
    std::ifstream opened;
    if (file != "-") {
        opened.open(file, std::ios::binary);
        if (!opened) {
            err << "headroom " << command << ": cannot read " << file << '\n';
            return std::nullopt;
        }
    }
    std::istream& source = file == "-" ? in : opened;
    std::string text;
    std::array<char, 65536> block;
    while (source.read(block.data(), block.size()) || source.gcount() > 0) {
        text.append(block.data(), static_cast<std::size_t>(source.gcount()));
        if (text.size() > input_bytes_max) {
            err << "headroom " << command << ": more than 64 MiB\n";
            return std::nullopt;
        }
    }
    if (source.bad() || (file != "-" && !source.eof())) {
        err << "headroom " << command << ": cannot read " << file << '\n';
        return std::nullopt;
    }
    return text;
}

} // namespace headroom::core
