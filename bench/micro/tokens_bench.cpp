// What exact token counts cost: by kind of text cold, unseen and warm, at start, and at worst.
// Counters: MB/s of thread CPU time; x_simdjson is the time relative to simdjson parsing the same text as a
// JSON string in the same run, which says more than MB/s on a machine that is shared.
#include "balance/tokens/token_counter.hpp"
#include "bench/micro/simdjson_time.hpp"
#include "bench/micro/text_corpus.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {
namespace {

using bench::simdjson_seconds;
using bench::text_corpus;
using bench::TextClass;
using bench::thread_seconds;

constexpr std::array isa_names = {"scalar", "avx2", "avx512"};

const Vocabulary& vocabulary() {
    static const Vocabulary one;
    return one;
}

std::uint64_t count(TokenCounter& counter, std::string_view text) {
    WorkBudget budget{~std::uint64_t{0}};
    return counter.count(text, budget).tokens;
}

struct Subject {
    const TextClass* texts;
    Isa isa;
    Encoding encoding;
};

/// Times each document apart and keeps its best time, so that the slices of other programs do not count.
class Times {
  public:
    explicit Times(std::size_t documents) : best_(documents, 1e9) {}
    void measure(std::size_t document, TokenCounter& counter, std::string_view text) {
        const double start = thread_seconds();
        benchmark::DoNotOptimize(count(counter, text));
        best_[document] = std::min(best_[document], thread_seconds() - start);
    }
    [[nodiscard]] double sum() const {
        double seconds = 0;
        for (const double each : best_)
            seconds += each < 1e9 ? each : 0;
        return seconds;
    }

  private:
    std::vector<double> best_;
};

void report(benchmark::State& state, const Times& times, const std::vector<std::string>& measured) {
    std::size_t bytes = 0;
    for (const std::string& text : measured)
        bytes += text.size();
    state.counters["MB/s"] = static_cast<double>(bytes) / 1e6 / times.sum();
    state.counters["x_simdjson"] = times.sum() / simdjson_seconds(measured);
}

void tokens_warm(benchmark::State& state, const Subject& subject) {
    const std::vector<std::string>& texts = subject.texts->documents;
    TokenCounter counter(vocabulary(), subject.encoding, {.isa = subject.isa});
    Times times(texts.size());
    for (const std::string& text : texts)
        count(counter, text);
    for (auto _ : state) {
        for (std::size_t i = 0; i < texts.size(); ++i)
            times.measure(i, counter, texts[i]);
    }
    report(state, times, texts);
}

void tokens_cold(benchmark::State& state, const Subject& subject) {
    const std::vector<std::string>& texts = subject.texts->documents;
    Times times(texts.size());
    for (auto _ : state) {
        TokenCounter counter(vocabulary(), subject.encoding, {.isa = subject.isa});
        for (std::size_t i = 0; i < texts.size(); ++i)
            times.measure(i, counter, texts[i]);
    }
    report(state, times, texts);
}

/// The odd documents at first touch, after the even ones of all kinds.
void tokens_unseen(benchmark::State& state, const Subject& subject) {
    std::vector<std::string> measured;
    for (std::size_t i = 1; i < subject.texts->documents.size(); i += 2)
        measured.push_back(subject.texts->documents[i]);
    Times times(measured.size());
    for (auto _ : state) {
        TokenCounter counter(vocabulary(), subject.encoding, {.isa = subject.isa});
        for (const TextClass& texts : text_corpus()) {
            for (std::size_t i = 0; i < texts.documents.size(); i += 2)
                count(counter, texts.documents[i]);
        }
        for (std::size_t i = 0; i < measured.size(); ++i)
            times.measure(i, counter, measured[i]);
    }
    report(state, times, measured);
}

void tokens_vocabulary_start(benchmark::State& state) {
    for (auto _ : state) {
        const Vocabulary one;
        benchmark::DoNotOptimize(&one);
    }
}
BENCHMARK(tokens_vocabulary_start)->Unit(benchmark::kMillisecond);

void tokens_counter_start(benchmark::State& state) {
    for (auto _ : state) {
        const auto counter = std::make_unique<TokenCounter>(vocabulary(), Encoding::o200k_base);
        benchmark::DoNotOptimize(counter.get());
    }
}
BENCHMARK(tokens_counter_start)->Unit(benchmark::kMillisecond);

// ---- the worst texts: 500 KB, first call ----

struct Worst {
    const char* name;
    std::string (*make)(std::uint64_t& random);
};

std::uint64_t next(std::uint64_t& random) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return random >> 33;
}

constexpr std::size_t worst_bytes = 500'000;

template <unsigned First, unsigned Count>
std::string letters(std::uint64_t& random) {
    std::string text(worst_bytes, ' ');
    for (char& c : text)
        c = static_cast<char>(First + next(random) % Count);
    return text;
}

template <unsigned First, unsigned Count>
std::string three_byte_letters(std::uint64_t& random) {
    std::string text;
    while (text.size() < worst_bytes) {
        const auto point = static_cast<std::uint32_t>(First + next(random) % Count);
        text += static_cast<char>(0xe0 | point >> 12);
        text += static_cast<char>(0x80 | (point >> 6 & 63));
        text += static_cast<char>(0x80 | (point & 63));
    }
    return text;
}

std::string words_of_eight(std::uint64_t& random) {
    std::string text = letters<'a', 26>(random);
    for (std::size_t i = 8; i < text.size(); i += 9)
        text[i] = ' ';
    return text;
}

constexpr Worst worst_texts[] = {
    {"one_letter", letters<'a', 1>},
    {"spaces", letters<' ', 1>},
    {"dashes", letters<'-', 1>},
    {"random_letters", letters<'a', 26>},
    {"random_acgt",
     [](std::uint64_t& random) {
         std::string text = letters<'0', 4>(random);
         for (char& c : text)
             c = "acgt"[c & 3];
         return text;
     }},
    {"random_digits", letters<'0', 10>},
    {"random_punctuation", letters<'!', 15>},
    {"random_han", three_byte_letters<0x4e00, 0x5200>},
    {"random_words", words_of_eight},
    {"random_ascii", letters<' ', 95>},
    {"invalid_utf8", letters<0x80, 128>},
};

/// With the budget of a request, or without one.
void tokens_worst(benchmark::State& state, const Worst& worst, bool budgeted) {
    std::uint64_t random = 1;
    const std::string text = worst.make(random);
    double best = 1e9;
    bool exact = true;
    for (auto _ : state) {
        TokenCounter counter(vocabulary(), Encoding::o200k_base);
        WorkBudget budget;
        if (!budgeted) budget.steps = ~std::uint64_t{0};
        const double start = thread_seconds();
        exact = counter.count(text, budget).exact;
        best = std::min(best, thread_seconds() - start);
    }
    state.counters["ms"] = best * 1e3;
    state.counters["MB/s"] = static_cast<double>(text.size()) / 1e6 / best;
    state.counters["exact"] = exact ? 1 : 0;
}

/// Sizes of one message, English, warm.
void tokens_message(benchmark::State& state) {
    const std::vector<std::string>& documents = text_corpus().front().documents;
    const auto size = static_cast<std::size_t>(state.range(0));
    TokenCounter counter(vocabulary(), Encoding::o200k_base);
    std::size_t at = 0;
    for (auto _ : state) {
        if (documents.empty()) break;
        const std::string& text = documents[at++ % std::min<std::size_t>(documents.size(), 16)];
        benchmark::DoNotOptimize(count(counter, std::string_view(text).substr(0, size)));
    }
}
BENCHMARK(tokens_message)->Arg(200)->Arg(1000)->Arg(4000)->Arg(16000);

using Measure = void (*)(benchmark::State&, const Subject&);

void register_class(const TextClass& texts, Isa isa, Encoding encoding) {
    static constexpr std::pair<const char*, Measure> measures[] = {
        {"warm", tokens_warm}, {"cold", tokens_cold}, {"unseen", tokens_unseen}};
    for (const auto& [name, measure] : measures) {
        const std::string title = std::string("tokens_") + name + "/" + texts.name + "/" +
                                  isa_names[static_cast<std::size_t>(isa)] +
                                  (encoding == Encoding::cl100k_base ? "/cl100k" : "");
        benchmark::RegisterBenchmark(title.c_str(), [run = measure, subject = Subject{&texts, isa, encoding}](
                                                        benchmark::State& state) {
            run(state, subject);
        })->Unit(benchmark::kMillisecond);
    }
}

const bool registered = [] {
    for (const TextClass& texts : text_corpus()) {
        if (texts.documents.empty()) {
            benchmark::RegisterBenchmark(("tokens_warm/" + texts.name).c_str(), [](benchmark::State& state) {
                for (auto _ : state)
                    state.SetLabel("this machine has no such files");
            });
            continue;
        }
        for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
            if (isa_supported(isa)) register_class(texts, isa, Encoding::o200k_base);
        }
        register_class(texts, best_isa(), Encoding::cl100k_base);
    }
    for (const Worst& worst : worst_texts) {
        for (const bool budgeted : {true, false}) {
            const std::string title =
                std::string("tokens_worst/") + worst.name + (budgeted ? "/budget" : "/no_budget");
            benchmark::RegisterBenchmark(
                title.c_str(),
                [&worst, budgeted](benchmark::State& state) { tokens_worst(state, worst, budgeted); })
                ->Unit(benchmark::kMillisecond)
                ->Iterations(5);
        }
    }
    return true;
}();

} // namespace
} // namespace headroom::balance
