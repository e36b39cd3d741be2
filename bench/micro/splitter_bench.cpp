// What cutting text into pieces costs, counting its features, and sampling long texts: by kind of text and
// instruction set. Counters: MB/s of thread CPU time; x_simdjson is the time relative to simdjson parsing the
// same text as a JSON string in the same run.
#include "balance/tokens/piece_splitter.hpp"
#include "balance/tokens/text_features.hpp"
#include "balance/tokens/token_sampler.hpp"
#include "bench/micro/simdjson_time.hpp"
#include "bench/micro/text_corpus.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
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

/// The best time of `work` for each text, added up.
template <class Work>
void measure(benchmark::State& state, const std::vector<std::string>& texts, Work work) {
    std::vector<double> best(texts.size(), 1e9);
    for (auto _ : state) {
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const double start = thread_seconds();
            work(std::string_view(texts[i]));
            best[i] = std::min(best[i], thread_seconds() - start);
        }
    }
    double seconds = 0;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        seconds += best[i];
        bytes += texts[i].size();
    }
    state.counters["MB/s"] = static_cast<double>(bytes) / 1e6 / seconds;
    state.counters["x_simdjson"] = seconds / simdjson_seconds(texts);
    state.counters["us/text"] = seconds * 1e6 / static_cast<double>(texts.size());
}

void splitter(benchmark::State& state, const TextClass& texts, Encoding encoding, Isa isa) {
    const PieceSplitter one(encoding, isa);
    std::vector<Piece> out(256);
    measure(state, texts.documents, [&](std::string_view text) {
        for (std::size_t at = 0; one.split(text, at, out) != 0;)
            benchmark::DoNotOptimize(out.data());
    });
}

void features(benchmark::State& state, const TextClass& texts, Isa isa) {
    measure(state, texts.documents, [isa](std::string_view text) {
        const TextFeatures found = TextFeatures::of(text, isa);
        benchmark::DoNotOptimize(&found);
    });
}

/// Texts of `bytes`, made of the class's documents.
std::vector<std::string> long_texts(const TextClass& texts, std::size_t bytes) {
    std::vector<std::string> all(3);
    std::size_t at = 0;
    for (std::string& text : all) {
        while (text.size() < bytes)
            text += texts.documents[at++ % texts.documents.size()];
    }
    return all;
}

void sampler(benchmark::State& state, const TextClass& texts) {
    static const Vocabulary vocabulary;
    TokenCounter counter(vocabulary, Encoding::o200k_base);
    const TokenSampler one(Encoding::o200k_base);
    measure(state, long_texts(texts, static_cast<std::size_t>(state.range(0))), [&](std::string_view text) {
        WorkBudget budget;
        benchmark::DoNotOptimize(one.count(text, 1, counter, budget));
    });
}

template <class Run>
benchmark::internal::Benchmark* add(const std::string& title, Run run) {
    return benchmark::RegisterBenchmark(title.c_str(), run)->Unit(benchmark::kMillisecond);
}

void register_class(const TextClass& texts) {
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (!isa_supported(isa)) continue;
        const std::string kind = texts.name + "/" + isa_names[static_cast<std::size_t>(isa)];
        add("splitter/" + kind,
            [&texts, isa](benchmark::State& state) { splitter(state, texts, Encoding::o200k_base, isa); });
        add("splitter/" + kind + "/cl100k",
            [&texts, isa](benchmark::State& state) { splitter(state, texts, Encoding::cl100k_base, isa); });
        add("features/" + kind, [&texts, isa](benchmark::State& state) { features(state, texts, isa); });
    }
    add("sampler/" + texts.name, [&texts](benchmark::State& state) { sampler(state, texts); })
        ->Arg(64 << 10)
        ->Arg(500'000);
}

const bool registered = [] {
    for (const TextClass& texts : text_corpus()) {
        if (!texts.documents.empty()) register_class(texts);
    }
    return true;
}();

} // namespace
} // namespace headroom::balance
