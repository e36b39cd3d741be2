// Counts the tokens of files, as the proxy does: for people who wonder, and for comparisons with other
// counters.
#include "balance/tokens/token_counter.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace headroom::count_tokens {
namespace {

using balance::Encoding;
using balance::Isa;

constexpr std::string_view usage =
    "usage: count_tokens [--isa scalar|avx2|avx512] [--caches full|smallest|none] [--framed] [file...]\n"
    "Prints the tokens of each file (or of standard input) in o200k_base and in cl100k_base.\n"
    "--framed: standard input is texts, each after its size as four bytes, the lowest first; one line per "
    "text.\n";

struct Settings {
    balance::TokenCounterOptions counter;
    bool framed = false;
    std::span<char*> files;
};

Isa isa_of(std::string_view name) {
    const Isa isa = name == "scalar"   ? Isa::scalar
                    : name == "avx2"   ? Isa::avx2
                    : name == "avx512" ? Isa::avx512
                                       : throw std::runtime_error("knows no isa " + std::string(name));
    if (!balance::isa_supported(isa)) throw std::runtime_error("this CPU has no " + std::string(name));
    return isa;
}

balance::PieceCacheSizes caches_of(std::string_view name) {
    if (name == "full") return {};
    if (name == "smallest") return balance::PieceCacheSizes::smallest();
    if (name == "none") return balance::PieceCacheSizes::none();
    throw std::runtime_error("knows no caches " + std::string(name));
}

Settings read_settings(std::span<char*> arguments) {
    Settings settings;
    while (!arguments.empty() && std::string_view(arguments[0]).starts_with("--")) {
        const std::string_view option = arguments[0];
        arguments = arguments.subspan(1);
        if (option == "--framed") {
            settings.framed = true;
            continue;
        }
        if (arguments.empty()) throw std::runtime_error(std::string(option) + " needs a value");
        if (option == "--isa") {
            settings.counter.isa = isa_of(arguments[0]);
        } else if (option == "--caches") {
            settings.counter.caches = caches_of(arguments[0]);
        } else {
            throw std::runtime_error("knows no " + std::string(option));
        }
        arguments = arguments.subspan(1);
    }
    settings.files = arguments;
    return settings;
}

class Counters {
  public:
    explicit Counters(const balance::TokenCounterOptions& options)
        : o200k_(vocabulary_, Encoding::o200k_base, options),
          cl100k_(vocabulary_, Encoding::cl100k_base, options) {}

    void print(std::string_view text, std::string_view name = {}) {
        balance::WorkBudget budget{~std::uint64_t{0}};
        const balance::TextCount o200k = o200k_.count(text, budget);
        const balance::TextCount cl100k = cl100k_.count(text, budget);
        std::cout << o200k.tokens << ' ' << cl100k.tokens;
        if (!o200k.exact || !cl100k.exact) std::cout << " estimated";
        std::cout << (name.empty() ? "" : " ") << name << '\n';
    }

  private:
    balance::Vocabulary vocabulary_;
    balance::TokenCounter o200k_;
    balance::TokenCounter cl100k_;
};

void count_framed(Counters& counters, std::istream& input) {
    std::array<unsigned char, 4> head{};
    std::string text;
    while (input.read(reinterpret_cast<char*>(head.data()), head.size())) {
        text.resize(head[0] | std::size_t{head[1]} << 8 | std::size_t{head[2]} << 16 |
                    std::size_t{head[3]} << 24);
        if (!input.read(text.data(), static_cast<std::streamsize>(text.size())))
            throw std::runtime_error("a text is cut short");
        counters.print(text);
    }
}

std::string read_all(std::istream& input) {
    return {std::istreambuf_iterator<char>(input), {}};
}

void run(const Settings& settings) {
    Counters counters(settings.counter);
    if (settings.framed) {
        count_framed(counters, std::cin);
    } else if (settings.files.empty()) {
        counters.print(read_all(std::cin));
    }
    for (const char* file : settings.files) {
        std::ifstream stream(file, std::ios::binary);
        if (!stream) throw std::runtime_error(std::string("cannot read ") + file);
        counters.print(read_all(stream), file);
    }
}

} // namespace
} // namespace headroom::count_tokens

int main(int count, char** arguments) {
    try {
        const std::span<char*> all(arguments + 1, static_cast<std::size_t>(count - 1));
        if (!all.empty() && std::string_view(all[0]) == "--help") {
            std::cout << headroom::count_tokens::usage;
            return 0;
        }
        std::ios::sync_with_stdio(false);
        headroom::count_tokens::run(headroom::count_tokens::read_settings(all));
    } catch (const std::exception& error) {
        std::cerr << "count_tokens: " << error.what() << '\n' << headroom::count_tokens::usage;
        return 2;
    }
}
