// Durations, sizes, amounts and addresses: what is accepted, what is refused, and that what is shown reads
// back.
#include "core/config/value.hpp"

#include <gtest/gtest.h>

#include <random>

namespace headroom::core {
namespace {

using std::chrono::milliseconds;

TEST(Duration, IsReadWithAndWithoutUnit) {
    EXPECT_EQ(parse_duration("100"), milliseconds{100'000});
    EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
    EXPECT_EQ(parse_duration("1.5s"), milliseconds{1500});
    EXPECT_EQ(parse_duration("2m"), milliseconds{120'000});
    EXPECT_EQ(parse_duration("2 min"), milliseconds{120'000});
    EXPECT_EQ(parse_duration("1H"), milliseconds{3'600'000});
    EXPECT_EQ(parse_duration(" 0 "), milliseconds{0});
}

TEST(Duration, RefusesWhatIsNone) {
    for (const auto* text : {"", "s", "-1", "+1", "1 2", "1d", "1e3", "0x10", "inf", "nan", "1..5", ".",
                             "1s1", "soon", "99999999999999999999s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Bytes, AreReadInBinaryAndDecimalUnits) {
    EXPECT_EQ(parse_bytes("512"), 512U);
    EXPECT_EQ(parse_bytes("512B"), 512U);
    EXPECT_EQ(parse_bytes("64KiB"), 65'536U);
    EXPECT_EQ(parse_bytes("64kib"), 65'536U);
    EXPECT_EQ(parse_bytes("1.5 MiB"), 1'572'864U);
    EXPECT_EQ(parse_bytes("10MB"), 10'000'000U);
    EXPECT_EQ(parse_bytes("2GiB"), 2'147'483'648U);
    for (const auto* text : {"", "KiB", "1K", "1 TiBB", "-1KiB", "1,5MiB"})
        EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
}

TEST(Amount, AllowsThousandsAsPeopleWriteThem) {
    EXPECT_EQ(parse_amount("30000"), 30'000U);
    EXPECT_EQ(parse_amount("30_000"), 30'000U);
    EXPECT_EQ(parse_amount("30K"), 30'000U);
    EXPECT_EQ(parse_amount("1.5m"), 1'500'000U);
    for (const auto* text :
         {"", "_1", "1_", "1__0", "30 K K", "30,000", "-5", "123456789012345678901234567890123456"})
        EXPECT_EQ(parse_amount(text), std::nullopt) << text;
}

TEST(ListenAddressText, IsReadInEverySpelling) {
    const auto address = [](const char* host, std::uint16_t port) { return ListenAddress{host, port}; };
    EXPECT_EQ(parse_listen_address("127.0.0.1:8080"), address("127.0.0.1", 8080));
    EXPECT_EQ(parse_listen_address("[::1]:0"), address("::1", 0));
    EXPECT_EQ(parse_listen_address(":81"), address("0.0.0.0", 81));
    EXPECT_EQ(parse_listen_address("81"), address("0.0.0.0", 81));
    EXPECT_EQ(parse_listen_address("*:81"), address("0.0.0.0", 81));
    EXPECT_EQ(parse_listen_address("LocalHost:81"), address("127.0.0.1", 81));
    for (const auto* text : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3:80", "host:80", "::1:80",
                             "[::1]", "[1.2.3.4]:80", "[::1]:-1", "1.2.3.4:8 0"}) {
        EXPECT_EQ(parse_listen_address(text), std::nullopt) << text;
    }
}

TEST(ShownValues, ReadBackAsTheSame) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    for (int i = 0; i < 2000; ++i) {
        // A random number of bits: small and round values matter as much as large ones.
        const std::uint64_t value = (random() >> (14 + random() % 50)) << (random() % 12);
        if (value > 1ULL << 50U) continue;
        EXPECT_EQ(parse_bytes(shown_bytes(value)), value);
        const milliseconds duration{static_cast<std::int64_t>(value)};
        EXPECT_EQ(parse_duration(shown(duration)), duration);
        const ListenAddress where{i % 2 == 0 ? "10.1.2.3" : "fe80::1", static_cast<std::uint16_t>(value)};
        EXPECT_EQ(parse_listen_address(to_string(where)), where);
    }
}

} // namespace
} // namespace headroom::core
