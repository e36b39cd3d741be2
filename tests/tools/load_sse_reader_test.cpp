// Events are counted the same however the stream is cut, and its end is recognised for each API.
#include "tools/load/sse_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::load {
namespace {

const std::string chat =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a long enough piece of text to go beyond what is kept of "
    "a line\"}}]}\n\n"
    ": a comment\n\n"
    "data:{\"choices\":[]}\r\n\r\n"
    "data: [DONE]\n\n";

SseReader read(std::string_view text, std::size_t piece) {
    SseReader reader;
    while (!text.empty()) {
        reader.feed(text.substr(0, piece));
        text.remove_prefix(std::min(piece, text.size()));
    }
    return reader;
}

TEST(LoadSseReader, CountsTheSameInPiecesOfAnySize) {
    for (std::size_t piece = 1; piece <= chat.size(); ++piece) {
        const SseReader reader = read(chat, piece);
        EXPECT_EQ(reader.events(), 3U) << piece;
        EXPECT_TRUE(reader.ended()) << piece;
        EXPECT_FALSE(reader.failed()) << piece;
    }
}

TEST(LoadSseReader, SaysHowManyEventsAPieceCompleted) {
    SseReader reader;
    EXPECT_EQ(reader.feed("data: 1\n\ndata: 2\n"), 1U);
    EXPECT_EQ(reader.feed("\n"), 1U);
    EXPECT_EQ(reader.feed("data: 3"), 0U);
    EXPECT_EQ(reader.events(), 2U);
}

TEST(LoadSseReader, IsNotEndedWithoutTheLastEvent) {
    EXPECT_FALSE(read("data: 1\n\n", 100).ended());
    EXPECT_FALSE(read("data: [DONE]\n", 100).ended()) << "the blank line is missing";
    EXPECT_FALSE(read("data: [DONE]\n\ndata: 1\n\n", 100).ended()) << "something came after it";
    EXPECT_FALSE(read("data: [DONE], he said\n\n", 100).ended());
}

TEST(LoadSseReader, KnowsTheLastEventsOfTheResponsesApi) {
    EXPECT_TRUE(read("event: response.completed\ndata: {}\n\n", 3).ended());
    EXPECT_TRUE(read("event: response.incomplete\ndata: {}\n\n", 3).ended());
    EXPECT_FALSE(read("event: response.created\ndata: {}\n\n", 3).ended());
}

TEST(LoadSseReader, SeesErrorEvents) {
    EXPECT_TRUE(read("data: {\"error\":{\"message\":\"overloaded\"}}\n\n", 5).failed());
    EXPECT_TRUE(read("event: error\ndata: {}\n\n", 5).failed());
    EXPECT_FALSE(read("data: {\"choices\":[{\"error\":1}]}\n\n", 5).failed());
}

TEST(LoadSseReader, StartsOver) {
    SseReader reader = read(chat, 10);
    reader.feed("data: half a line");
    reader.reset();
    EXPECT_EQ(reader.events(), 0U);
    EXPECT_FALSE(reader.ended());
    EXPECT_EQ(reader.feed("\n\n"), 0U) << "the half line is forgotten";
}

} // namespace
} // namespace headroom::load
