// Every instruction set finds exactly the pieces that the scalar matcher finds, wherever windows begin and
// end, and reads nothing outside the text.
#include "balance/tokens/piece_splitter.hpp"
#include "tests/balance/random.hpp"
#include "tests/balance/tokens/mixed_text.hpp"
#include "tests/balance/tokens/text_pools.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::string_literals;

constexpr Encoding encodings[] = {Encoding::o200k_base, Encoding::cl100k_base};
constexpr std::size_t shift_max = 127;

std::vector<Isa> windowed() {
    std::vector<Isa> all;
    for (const Isa isa : {Isa::avx2, Isa::avx512}) {
        if (isa_supported(isa)) all.push_back(isa);
    }
    return all;
}

/// All pieces, `step` at a time; the vector is reused.
void split_all(const PieceSplitter& splitter, std::string_view text, std::size_t step,
               std::vector<Piece>& pieces) {
    pieces.resize(text.size() + 64);
    std::size_t at = 0;
    std::size_t count = 0;
    const std::span<Piece> out(pieces);
    while (const std::size_t added =
               splitter.split(text, at, out.subspan(count, std::min(step, out.size() - count))))
        count += added;
    ASSERT_EQ(at, text.size());
    pieces.resize(count);
}

std::string shown(std::string_view text) {
    std::string out;
    char hex[5];
    for (const char c : text) {
        if (c >= ' ' && c < '\x7f') {
            out += c;
        } else {
            std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
            out += hex;
        }
    }
    return out;
}

/// Compares one text in all places of a window: behind padding of pieces of one byte whose last one ends
/// whatever follows.
class Comparison {
  public:
    void compare(std::string_view text, std::size_t shift_first, std::size_t shift_last) {
        const bool space = text.starts_with(' ') || (!text.empty() && text[0] >= '\t' && text[0] <= '\r') ||
                           text.starts_with("\u00a0") || text.starts_with("\u0085") ||
                           text.starts_with("\u2009") || text.starts_with("\u2028") ||
                           text.starts_with("\u3000");
        shifted_.clear();
        for (std::size_t i = 0; i < shift_max; ++i)
            shifted_ += (shift_max - i) % 2 == (space ? 1 : 0) ? '1' : '\n';
        shifted_ += text;
        for (const Encoding encoding : encodings) {
            split_all(PieceSplitter(encoding, Isa::scalar), text, text.size() + 64, expected_);
            for (const Isa isa : windowed()) {
                const PieceSplitter splitter(encoding, isa);
                for (std::size_t shift = shift_first;
                     shift <= shift_last && !testing::Test::HasFatalFailure(); ++shift)
                    compare(splitter, std::string_view(shifted_).substr(shift_max - shift), shift);
            }
        }
    }

  private:
    void compare(const PieceSplitter& splitter, std::string_view text, std::size_t shift) {
        split_all(splitter, text, shift % 3 == 2 ? 1 + shift : text.size() + 64, found_);
        const auto offset = static_cast<std::uint32_t>(shift);
        const bool equal = found_.size() == expected_.size() + shift &&
                           std::equal(expected_.begin(), expected_.end(),
                                      found_.end() - static_cast<std::ptrdiff_t>(expected_.size()),
                                      [offset](const Piece& a, const Piece& b) {
                                          return a.begin + offset == b.begin && a.size == b.size;
                                      });
        ASSERT_TRUE(equal) << "at shift " << shift << ": " << shown(text.substr(shift));
    }

    std::string shifted_;
    std::vector<Piece> expected_;
    std::vector<Piece> found_;
};

/// With HEADROOM_ALL_SHIFTS set every text is tried at all of them, which takes a minute in a release build.
TEST(PieceWindows, RandomTextsAreSplitAlike) {
    const bool all_shifts = std::getenv("HEADROOM_ALL_SHIFTS") != nullptr;
    Comparison comparison;
    for (const std::uint64_t seed : seeds(1000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        for (int i = 0; i < 100; ++i) {
            const std::string text = mixed_text(random, random.chance(20) ? 200 : 25);
            const std::size_t first = random.below(shift_max + 1);
            comparison.compare(text, all_shifts ? 0 : first, all_shifts ? shift_max : first);
        }
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(PieceWindows, RandomTextsAtEveryShift) {
    Comparison comparison;
    for (const std::uint64_t seed : seeds(1000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed + 1'000'000);
        comparison.compare(mixed_text(random, 60), 0, shift_max);
        if (testing::Test::HasFatalFailure()) return;
    }
}

/// What a mark belongs to depends on all that stands before it in a run of punctuation.
TEST(PieceWindows, EveryShortRowOfMarksPunctuationAndLineEnds) {
    static constexpr std::string_view alphabet[] = {"!", "/", "\n", "\u0301", "a"};
    constexpr unsigned length = 8;
    std::vector<Piece> expected;
    std::vector<Piece> found;
    unsigned rows = 1;
    for (unsigned i = 0; i < length; ++i)
        rows *= std::size(alphabet);
    for (unsigned row = 0; row < rows; ++row) {
        std::string text;
        for (unsigned i = 0, rest = row; i < length; ++i, rest /= std::size(alphabet))
            text += alphabet[rest % std::size(alphabet)];
        for (const Encoding encoding : encodings) {
            split_all(PieceSplitter(encoding, Isa::scalar), text, 64, expected);
            for (const Isa isa : windowed()) {
                split_all(PieceSplitter(encoding, isa), text, 64, found);
                ASSERT_EQ(found, expected) << shown(text);
            }
        }
    }
}

/// Words that fill a window are followed to their end in another way than short ones.
TEST(PieceWindows, LongWordsEndAlike) {
    Comparison comparison;
    for (const std::string_view first : {"", "、", "a", "A", "Aa", "!!", "7", "'"}) {
        for (const std::string_view middle : {"中", "あ", "한", "ไ", "ต่", "हि", "々", "ー"}) {
            for (const std::string_view last :
                 {"", "A", "Aa", "AB", "a", "aA", "'s", "'S中", "'x", "\u0301", "\u0301A", "7", "。", " ",
                  "\n", "\xe4\xb8", "\u3000", "\u30fb中A", "\u309b"}) {
                for (const std::size_t count : {19U, 20U, 21U, 22U, 31U, 40U, 43U, 64U}) {
                    std::string text(first);
                    for (std::size_t i = 0; i < count; ++i)
                        text += middle;
                    text += last;
                    comparison.compare(text, 0, 2);
                    comparison.compare(text + "中文。", 61, 63);
                    if (HasFatalFailure()) return;
                }
            }
        }
    }
}

/// Surrogates too, which are invalid in UTF-8.
TEST(PieceWindows, EveryCodePointOfPlanesZeroToTwo) {
    static constexpr std::string_view places[] = {"@",   "a@",  "@a",   "A@B",   " @a",
                                                  "!@a", "1@1", "x'@s", "\n@@\n"};
    std::vector<Piece> expected;
    std::vector<Piece> found;
    for (std::uint32_t first = 0; first < 0x30000; first += 256) {
        std::string text;
        for (std::uint32_t point = first; point < first + 256; ++point) {
            std::string character;
            append_utf8(character, point);
            for (const std::string_view place : places) {
                for (const char c : place)
                    c == '@' ? text += character : text += c;
                text += ";\n";
            }
        }
        for (const Encoding encoding : encodings) {
            split_all(PieceSplitter(encoding, Isa::scalar), text, 512, expected);
            for (const Isa isa : windowed()) {
                split_all(PieceSplitter(encoding, isa), text, 512, found);
                ASSERT_EQ(found, expected) << "from U+" << std::hex << first;
            }
        }
    }
}

TEST(PieceWindows, NothingOutsideTheTextIsRead) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const mapped = mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(mapped, MAP_FAILED);
    char* const middle = static_cast<char*>(mapped) + page;
    ASSERT_EQ(mprotect(middle, page, PROT_READ | PROT_WRITE), 0);
    Random random(1);
    std::vector<Piece> expected;
    std::vector<Piece> found;
    for (std::size_t length = 0; length <= 300; ++length) {
        std::string text = mixed_text(random, 400);
        for (int i = 0; text.size() < length; ++i)
            text += i % 2 == 0 ? "plain words " : "中文é";
        text.resize(length);
        for (char* const place : {middle, middle + page - length}) {
            std::memcpy(place, text.data(), length);
            for (const Encoding encoding : encodings) {
                split_all(PieceSplitter(encoding, Isa::scalar), text, 512, expected);
                for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
                    split_all(PieceSplitter(encoding, isa), {place, length}, 512, found);
                    ASSERT_EQ(found, expected) << shown(text);
                }
            }
        }
    }
    munmap(mapped, 3 * page);
}

/// Half a million steps each when walked once; walked again from every piece it would be billions, and this
/// would not end.
TEST(PieceWindows, RunsAreNotWalkedAgainAndAgain) {
    static constexpr std::string_view characters[] = {"a",  "A",      " ",      "\n", "!",    "/", "'", "0",
                                                      "中", "\u0301", "\u00a0", "Ж",  "\x80", "é", "😀"};
    constexpr std::size_t bytes = std::size_t{96} << 10;
    std::vector<Piece> out(512);
    for (const std::string_view one : characters) {
        for (const std::string_view two : {" ", "a", "中", "\n"}) {
            for (const bool by_turns : {false, true}) {
                std::string text;
                while (text.size() < bytes / 2)
                    (text += one) += by_turns ? two : one;
                while (text.size() < bytes)
                    text += two;
                for (const Isa isa : {Isa::scalar, best_isa()}) {
                    const PieceSplitter splitter(Encoding::o200k_base, isa);
                    std::size_t covered = 0;
                    std::size_t at = 0;
                    while (const std::size_t count = splitter.split(text, at, out)) {
                        for (std::size_t i = 0; i < count; ++i)
                            covered += out[i].size;
                    }
                    ASSERT_EQ(covered, text.size()) << one << two;
                }
            }
        }
    }
}

} // namespace
} // namespace headroom::balance
