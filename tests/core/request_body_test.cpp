// A held body: kept, compacted, edited, and counted against its bounds.
#include "core/request_body.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace headroom::core {
namespace {

net::Slice slice_of(net::BufferPool& pool, std::string_view text) {
    net::Slice slice = pool.acquire_slice(text.size() > net::BufferPool::small_bytes ? net::BlockSize::large
                                                                                     : net::BlockSize::small);
    slice.append(text);
    return slice;
}

std::string text_of(const std::vector<iovec>& pieces) {
    std::string text;
    for (const iovec& piece : pieces)
        text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    return text;
}

std::string text_of(const RequestBody& body, std::span<const BodyEdit> edits = {}) {
    std::vector<iovec> pieces;
    body.append_to(pieces, edits);
    return text_of(pieces);
}

TEST(RequestBody, KeepsPiecesInOrder) {
    net::BufferPool pool(1 << 20);
    RequestBody body(pool);
    ASSERT_TRUE(body.append(slice_of(pool, "one,")));
    ASSERT_TRUE(body.append(slice_of(pool, "two,")));
    ASSERT_TRUE(body.append(slice_of(pool, "three")));
    EXPECT_EQ(text_of(body), "one,two,three");
    EXPECT_EQ(body.size(), 13U);
}

// A client that sends byte by byte must not hold a block for every byte.
TEST(RequestBody, CompactsTinyPieces) {
    net::BufferPool pool(1 << 20);
    RequestBody body(pool);
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
        const std::string one(1, static_cast<char>('a' + i % 26));
        ASSERT_TRUE(body.append(slice_of(pool, one)));
        expected += one;
    }
    EXPECT_EQ(text_of(body), expected);
    EXPECT_LE(body.held_bytes(), 3 * net::BufferPool::small_bytes);
}

// Many tiny chunks in one receive must not cost a list of many times their size.
TEST(RequestBody, CompactsTinyPiecesOfOneBlock) {
    net::BufferPool pool(1 << 20);
    RequestBody body(pool);
    const net::Slice block = slice_of(pool, std::string(4000, 'a') + std::string(2000, 'b'));
    ASSERT_TRUE(body.append(block.share(0, 4000)));
    for (std::size_t at = 4000; at < 6000; ++at)
        ASSERT_TRUE(body.append(block.share(at, 1)));
    EXPECT_EQ(text_of(body), block.view());
    EXPECT_LE(body.pieces().size(), 2U);
    EXPECT_LE(body.held_bytes(), 2 * net::BufferPool::small_bytes);
}

TEST(RequestBody, RefusesWhenThePoolIsEmptyAndLosesNothing) {
    net::BufferPool pool(4 * net::BufferPool::small_bytes);
    RequestBody body(pool);
    std::string expected;
    bool refused = false;
    for (int i = 0; i < 40000 && !refused; ++i) {
        net::Slice one = slice_of(pool, "x");
        if (one.block() == nullptr) break;
        refused = !body.append(std::move(one));
        if (!refused) expected += 'x';
    }
    EXPECT_GE(body.size(), expected.size());
    body.clear();
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(RequestBody, LaysEditsOverAnySplit) {
    const std::string original = R"({"a":1,"model":"x","b":"yyyy","model":"z"})";
    const std::vector<BodyEdit> edits{{{15, 18}, "\"longer-name\""}, {{38, 41}, "\"\""}};
    const std::string expected = R"({"a":1,"model":"longer-name","b":"yyyy","model":""})";
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        net::BufferPool pool(1 << 20);
        RequestBody body(pool);
        for (std::size_t at = 0; at < original.size();) {
            const std::size_t count = std::min<std::size_t>(original.size() - at, 1 + random() % 9);
            ASSERT_TRUE(body.append(slice_of(pool, std::string_view(original).substr(at, count))));
            at += count;
        }
        EXPECT_EQ(text_of(body, edits), expected);
        EXPECT_EQ(body.size_with(edits), expected.size());
        EXPECT_EQ(text_of(body), original);
    }
}

TEST(RequestBody, InsertsAtAPlace) {
    net::BufferPool pool(1 << 20);
    RequestBody body(pool);
    ASSERT_TRUE(body.append(slice_of(pool, "{\"a\":1}")));
    const std::vector<BodyEdit> edits{{{1, 1}, "\"model\":\"m\","}};
    EXPECT_EQ(text_of(body, edits), "{\"model\":\"m\",\"a\":1}");
}

} // namespace
} // namespace headroom::core
