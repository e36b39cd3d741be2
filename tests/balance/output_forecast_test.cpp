// Forecasts on real arrivals where they are at hand, and always on arrivals made here.
// The traces lie in HEADROOM_SHARED_DIR, or in shared/ beside the source tree: Azure's LLM inference traces
// of 2023.
#include "balance/prompt/output_forecast.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

struct Arrival {
    int minute;
    std::int64_t prompt;
    std::int64_t output;
};

std::filesystem::path trace_file(const std::string& name) {
    if (const char* const shared = std::getenv("HEADROOM_SHARED_DIR"))
        return std::filesystem::path(shared) / "traces" / name;
    const char* const source = std::getenv("HEADROOM_SOURCE_DIR");
    return std::filesystem::path(source != nullptr ? source : ".") / ".." / "shared" / "traces" / name;
}

/// Lines of date, time, prompt and output (`... 18:17:03.9799600,4808,10`) after a heading.
std::vector<Arrival> trace(const std::string& name) {
    std::vector<Arrival> arrivals;
    std::ifstream file(trace_file(name));
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        Arrival arrival{};
        int hour = 0;
        char comma = 0;
        std::istringstream text(line.substr(11));
        text >> hour >> comma >> arrival.minute;
        text.ignore(20, ',');
        if (text >> arrival.prompt >> comma >> arrival.output) {
            arrival.minute += hour * 60;
            arrivals.push_back(arrival);
        }
    }
    return arrivals;
}

/// An hour of chats: sizes spread as a logarithm's bell, answers that grow slowly with the prompt.
std::vector<Arrival> made_trace(std::uint64_t seed) {
    Random random(seed);
    const auto bell = [&random] {
        double sum = 0;
        for (int i = 0; i < 12; ++i)
            sum += static_cast<double>(random.below(1'000'000)) / 1e6;
        return sum - 6;
    };
    std::vector<Arrival> arrivals;
    for (int i = 0; i < 20'000; ++i) {
        const double prompt = std::exp(6.7 + 0.8 * bell());
        const double output = 60 * std::pow(prompt, 0.15) * std::exp(0.5 * bell());
        arrivals.push_back({i / 333, static_cast<std::int64_t>(prompt), static_cast<std::int64_t>(output)});
    }
    return arrivals;
}

struct Errors {
    double per_minute = 0; ///< Mean over minutes of the total's relative error.
    double bias = 0;       ///< Of all outputs.
    double covered = 0;    ///< Answers that the high guess covers.
    double per_minute_high = 0;
};

Errors replay(const std::vector<Arrival>& arrivals) {
    OutputForecast forecast;
    double minutes = 0;
    double predicted = 0, predicted_high = 0, actual = 0, outputs = 0, guessed = 0, covered = 0;
    Errors errors;
    const auto close_minute = [&] {
        if (actual == 0) return;
        errors.per_minute += std::abs(predicted - actual) / actual;
        errors.per_minute_high += std::abs(predicted_high - actual) / actual;
        ++minutes;
        predicted = predicted_high = actual = 0;
    };
    int minute = arrivals.front().minute;
    for (const Arrival& arrival : arrivals) {
        if (arrival.minute != minute) close_minute();
        minute = arrival.minute;
        const OutputKind kind{.deployment = 1, .prompt = Tokens(arrival.prompt)};
        const OutputGuess guess = forecast.guess(kind);
        predicted += static_cast<double>(arrival.prompt) + guess.mean;
        predicted_high += static_cast<double>(arrival.prompt) + guess.high;
        actual += static_cast<double>(arrival.prompt + arrival.output);
        guessed += guess.mean;
        outputs += static_cast<double>(arrival.output);
        covered += static_cast<double>(arrival.output) <= guess.high ? 1 : 0;
        forecast.observe(kind, Tokens(arrival.output));
    }
    close_minute();
    errors.per_minute /= minutes;
    errors.per_minute_high /= minutes;
    errors.bias = guessed / outputs - 1;
    errors.covered = covered / static_cast<double>(arrivals.size());
    return errors;
}

void expect_good(const Errors& errors) {
    SCOPED_TRACE(testing::Message() << "minute " << errors.per_minute << ", bias " << errors.bias
                                    << ", covered " << errors.covered << ", minute by quantile "
                                    << errors.per_minute_high);
    EXPECT_LT(errors.per_minute, 0.005);
    EXPECT_LT(std::abs(errors.bias), 0.02);
    EXPECT_NEAR(errors.covered, 0.9, 0.02);
    EXPECT_GT(errors.per_minute_high, errors.per_minute);
}

TEST(OutputForecast, MinutesOfChatsAreRight) {
    const auto arrivals = trace("azure-2023-conv.csv");
    if (arrivals.empty()) GTEST_SKIP() << "no trace at " << trace_file("azure-2023-conv.csv");
    EXPECT_EQ(arrivals.size(), 19'366U);
    expect_good(replay(arrivals));
}

TEST(OutputForecast, MinutesOfCodeAreRight) {
    const auto arrivals = trace("azure-2023-code.csv");
    if (arrivals.empty()) GTEST_SKIP() << "no trace at " << trace_file("azure-2023-code.csv");
    EXPECT_EQ(arrivals.size(), 8'819U);
    expect_good(replay(arrivals));
}

TEST(OutputForecast, MinutesOfMadeArrivalsAreRight) {
    for (const std::uint64_t seed : seeds(3)) {
        SCOPED_TRACE(seed_note(seed));
        // A wide bell moves a minute of 333 answers by 3 % of its output; the prompt dominates the sum.
        const Errors errors = replay(made_trace(seed));
        expect_good(errors);
    }
}

TEST(OutputForecast, AssumesBeforeItKnows) {
    const OutputForecast forecast;
    const OutputGuess guess = forecast.guess({});
    EXPECT_EQ(guess.mean, 256);
    EXPECT_EQ(guess.high, 768);
}

TEST(OutputForecast, KindsAreKeptApart) {
    OutputForecast forecast;
    const OutputKind small{.deployment = 1, .prompt = Tokens(100)};
    const OutputKind large{.deployment = 1, .prompt = Tokens(10'000)};
    const OutputKind capped{.deployment = 1, .capped = true, .prompt = Tokens(100)};
    const OutputKind thoughtful{.deployment = 1, .effort = 9, .prompt = Tokens(100)};
    for (int i = 0; i < 1000; ++i) {
        forecast.observe(small, Tokens(10));
        forecast.observe(large, Tokens(1000));
        forecast.observe(capped, Tokens(100));
        forecast.observe(thoughtful, Tokens(5000));
    }
    EXPECT_NEAR(forecast.guess(small).mean, 10, 10);
    EXPECT_NEAR(forecast.guess(large).mean, 1000, 20);
    EXPECT_NEAR(forecast.guess(capped).mean, 100, 20);
    EXPECT_NEAR(forecast.guess(thoughtful).mean, 5000, 50);
    // Unknown sizes of a known deployment are guessed from the others, before those of all deployments.
    const OutputKind neighbour{.deployment = 1, .effort = 9, .prompt = Tokens(1'000'000)};
    EXPECT_NEAR(forecast.guess(neighbour).mean, 5000, 50);
}

TEST(OutputForecast, FollowsAChange) {
    OutputForecast forecast;
    const OutputKind kind{.deployment = 1, .prompt = Tokens(100)};
    for (int i = 0; i < 5000; ++i)
        forecast.observe(kind, Tokens(100));
    for (int i = 0; i < 200; ++i)
        forecast.observe(kind, Tokens(1000));
    EXPECT_NEAR(forecast.guess(kind).mean, 1000, 40);
    for (int i = 0; i < 3000; ++i)
        forecast.observe(kind, Tokens(1000));
    EXPECT_NEAR(forecast.guess(kind).high, 1000, 80);
}

TEST(SizeHistogram, QuantilesOfKnownSizes) {
    SizeHistogram histogram;
    EXPECT_EQ(histogram.quantile(0.9), 0);
    for (int round = 0; round < 40; ++round) {
        for (std::int64_t size = 1; size <= 1000; ++size)
            histogram.add(Tokens((size * 617) % 1000 + 1));
    }
    EXPECT_NEAR(histogram.quantile(0.5), 500, 30);
    EXPECT_NEAR(histogram.quantile(0.9), 900, 50);
    EXPECT_LE(histogram.quantile(1), 1024 * 1.1);
    SizeHistogram empty_answers;
    for (int i = 0; i < 100'000; ++i)
        empty_answers.add(Tokens(0));
    EXPECT_EQ(empty_answers.quantile(0.9), 0);
    empty_answers.add(request_cost_max);
    EXPECT_GT(empty_answers.quantile(1), 131'072 * 0.9);
}

TEST(SizeHistogram, HalvesWithinFiveHundred) {
    SizeHistogram histogram;
    for (int i = 0; i < 20'000; ++i)
        histogram.add(Tokens(10));
    for (int i = 0; i < 450; ++i)
        histogram.add(Tokens(1000));
    EXPECT_LT(histogram.quantile(0.5), 12);
    for (int i = 0; i < 100; ++i)
        histogram.add(Tokens(1000));
    EXPECT_GT(histogram.quantile(0.5), 900);
}

} // namespace
} // namespace headroom::balance
