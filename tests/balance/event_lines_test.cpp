// The parts of event streams, whole and byte by byte.
#include "balance/event_lines.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

/// The parts as text: "D" and "E" begin a data or event line, their values are in brackets, "." ends an
/// event.
std::string parts_of(std::string_view stream, std::size_t step) {
    EventLines lines;
    std::string told;
    bool in_value = false;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        std::string_view rest = stream.substr(at, step);
        while (!rest.empty()) {
            const EventLines::Step next = lines.next(rest);
            EXPECT_GT(next.size, 0U);
            const bool value = next.part == EventLines::Part::data || next.part == EventLines::Part::event ||
                               next.part == EventLines::Part::comment;
            if (value != in_value) told += value ? '[' : ']';
            in_value = value;
            if (value) told += rest.substr(0, next.size);
            if (next.part == EventLines::Part::begin_data) told += 'D';
            if (next.part == EventLines::Part::begin_event) told += 'E';
            if (next.part == EventLines::Part::end) told += '.';
            if (next.part == EventLines::Part::second_half) told += '+';
            rest.remove_prefix(next.size);
        }
    }
    return told;
}

std::string parts(std::string_view stream) {
    const std::string whole = parts_of(stream, stream.size() + 1);
    for (const std::size_t step : {1U, 2U, 3U, 7U})
        EXPECT_EQ(parts_of(stream, step), whole) << stream << " in pieces of " << step;
    return whole;
}

TEST(EventLines, TellsValuesAndEnds) {
    EXPECT_EQ(parts("data: one\n\ndata:two\n\n"), "D[one].D[two].");
    EXPECT_EQ(parts("event: ping\nid: 3\ndata:  x\n\n"), "E[ping]D[ x].");
    EXPECT_EQ(parts("data: a\ndata: b\n\n"), "D[a]D[b].");
    EXPECT_EQ(parts(": comment: with colon\n\n"), "[: comment: with colon].");
    EXPECT_EQ(parts("datax: a\ndat: b\ndata\n\n"), ".");
    EXPECT_EQ(parts("data:\n\n\n"), "D..");
    EXPECT_EQ(parts("a name that is much too long to matter: x\n\n"), ".");
}

TEST(EventLines, EveryLineEndIsOne) {
    EXPECT_EQ(parts("data: a\r\rdata: b\r\r"), "D[a].D[b].");
    EXPECT_EQ(parts("data: a\r\n\r\ndata: b\r\n\r\n"), "D[a]+.+D[b]+.+");
    EXPECT_EQ(parts("data: a\n\r\n\r\r\n"), "D[a].+..+");
}

} // namespace
} // namespace headroom::balance
