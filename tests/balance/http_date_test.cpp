// The three forms of RFC 9110 section 5.6.7, and near misses.
#include "balance/http_date.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

std::int64_t seconds_of(std::string_view text) {
    const auto date = parse_http_date(text);
    return date ? std::chrono::duration_cast<std::chrono::seconds>(date->time_since_epoch()).count() : -1;
}

TEST(HttpDate, ReadsTheThreeForms) {
    EXPECT_EQ(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777);
    EXPECT_EQ(seconds_of("Sunday, 06-Nov-94 08:49:37 GMT"), 784'111'777);
    EXPECT_EQ(seconds_of("Sun Nov  6 08:49:37 1994"), 784'111'777);
    EXPECT_EQ(seconds_of("Wed Nov 16 08:49:37 1994"), 784'975'777);
    EXPECT_EQ(seconds_of("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
}

TEST(HttpDate, TwoDigitYearsMean1970To2069) {
    EXPECT_EQ(seconds_of("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
    EXPECT_EQ(seconds_of("Tuesday, 01-Jan-30 00:00:00 GMT"), 1'893'456'000);
}

TEST(HttpDate, AcceptsALeapSecondAndALeapDay) {
    EXPECT_EQ(seconds_of("Sat, 31 Dec 2016 23:59:60 GMT"), 1'483'228'800);
    EXPECT_EQ(seconds_of("Thu, 29 Feb 2024 00:00:00 GMT"), 1'709'164'800);
}

TEST(HttpDate, RefusesWhatIsNoDate) {
    for (const std::string_view text : {"",
                                        "Sun",
                                        "Sun,",
                                        "Sun, 06 Nov 1994",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 UTC",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:00:00 GMT",
                                        "Sun, 06 Nov 1994 08:60:37 GMT",
                                        "Sun, 31 Feb 1994 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 GMT ",
                                        "Sun, -6 Nov 1994 08:49:37 GMT",
                                        "1994-11-06T08:49:37Z",
                                        "Sun, 06 Nov 9999 08:49:37 GMT",
                                        "Sun, 06 Nov 0001 08:49:37 GMT",
                                        ", 06 Nov 1994 08:49:37 GMT",
                                        "Sun Nov 6 08:49:37 1994",
                                        "Sun Nov +6 08:49:37 1994",
                                        "22"}) {
        EXPECT_EQ(seconds_of(text), -1) << text;
    }
}

} // namespace
} // namespace headroom::balance
