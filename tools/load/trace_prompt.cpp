// Draws words from a list whose every word is one token of o200k_base and cl100k_base when a blank stands
// before it.
#include "tools/load/trace_prompt.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace headroom::load {
namespace {

// Short on purpose: about 4.1 characters with the blank, so that characters / 4 and a tokenizer nearly agree.
constexpr std::array<std::string_view, 64> words = {
    " the",  " a",    " of",    " and",  " to",   " in",   " is",   " it",    " for",  " as",   " was",
    " with", " be",   " by",    " on",   " not",  " he",   " this", " are",   " or",   " his",  " from",
    " at",   " but",  " have",  " an",   " had",  " they", " you",  " were",  " one",  " all",  " we",
    " can",  " her",  " has",   " been", " if",   " more", " when", " will",  " who",  " so",   " no",
    " out",  " up",   " time",  " what", " new",  " some", " day",  " only",  " over", " year", " two",
    " work", " long", " place", " take", " part", " year", " home", " small", " water"};

constexpr std::int64_t shared_step = 128;

/// SplitMix64 (Steele, Lea, Flood 2014): any number is a good seed.
class WordSource {
  public:
    explicit WordSource(std::uint64_t seed) noexcept : state_(seed) {}

    void write(std::int64_t count, std::string& out) {
        for (std::int64_t i = 0; i < count; ++i) {
            if (left_ == 0) {
                bits_ = draw();
                left_ = 10;
            }
            out += words[bits_ & 63U];
            bits_ >>= 6U;
            --left_;
        }
    }

  private:
    std::uint64_t draw() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    std::uint64_t state_;
    std::uint64_t bits_ = 0;
    unsigned left_ = 0; // words in bits_
};

/// FNV-1a, salted so that a name, a block and a row's number never begin the same sequence.
std::uint64_t seed_of(std::string_view bytes, std::uint64_t salt) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U ^ salt;
    for (const char byte : bytes)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    return hash;
}

std::uint64_t seed_of(std::uint64_t number, std::uint64_t salt) noexcept {
    std::array<char, sizeof number> bytes{};
    for (char& byte : bytes) {
        byte = static_cast<char>(number & 255U);
        number >>= 8U;
    }
    return seed_of(std::string_view{bytes.data(), bytes.size()}, salt);
}

} // namespace

double trace_word_characters() noexcept {
    const auto characters =
        std::accumulate(words.begin(), words.end(), std::size_t{0},
                        [](std::size_t sum, std::string_view word) { return sum + word.size(); });
    return static_cast<double>(characters) / static_cast<double>(words.size());
}

std::string trace_prompt(const TraceRow& row, std::uint64_t number, std::int64_t words_wanted) {
    std::string text;
    text.reserve(
        static_cast<std::size_t>(static_cast<double>(words_wanted) * trace_word_characters() * 1.05) + 64);
    std::int64_t left = words_wanted;
    for (const std::uint64_t block : row.blocks) {
        const std::int64_t count = std::min(left, prefix_block_tokens);
        WordSource{seed_of(block, 1)}.write(count, text);
        left -= count;
    }
    if (row.blocks.empty() && !row.prefix.empty()) {
        const std::int64_t count = left * 3 / 4 / shared_step * shared_step;
        WordSource{seed_of(row.prefix, 2)}.write(count, text);
        left -= count;
    }
    WordSource{seed_of(number, 3)}.write(left, text);
    return text;
}

} // namespace headroom::load
