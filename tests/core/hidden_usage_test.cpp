// A stream relayed in pieces reaches the client without its usage event, whatever the pieces.
#include "core/hidden_usage.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace headroom::core {
namespace {

net::Slice slice_of(net::BufferPool& pool, std::string_view text) {
    net::Slice slice = pool.acquire_slice(net::BlockSize::small);
    slice.append(text);
    return slice;
}

const std::string content = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n";
const std::string usage = "data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"total_tokens\":5}}\r\n\r\n";
const std::string done = "data: [DONE]\n\n";

/// Relays `stream` in batches of slices; receive buffers are gone when the next batch comes.
std::string relayed(net::BufferPool& pool, const std::string& stream, std::mt19937& random) {
    HiddenUsage hidden;
    std::string sent;
    std::size_t at = 0;
    while (at < stream.size()) {
        std::vector<net::Slice> batch;
        for (auto pieces = 1 + random() % 3; pieces > 0 && at < stream.size(); --pieces) {
            const std::size_t bytes = std::min<std::size_t>(stream.size() - at, 1 + random() % 90);
            batch.push_back(slice_of(pool, std::string_view(stream).substr(at, bytes)));
            at += bytes;
        }
        char before = 'x';
        std::vector<iovec> out{{&before, 1}};
        hidden.add(batch, at == stream.size(), out);
        EXPECT_EQ(out.at(0).iov_base, &before) << "what was there stays";
        for (const iovec& piece : std::span(out).subspan(1)) {
            EXPECT_GT(piece.iov_len, 0U);
            sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        }
    }
    return sent;
}

TEST(HiddenUsage, LeavesTheEventOutOfAnyPieces) {
    net::BufferPool pool(1 << 20);
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937 random(seed);
        std::string stream;
        std::string expected;
        for (auto events = random() % 12; events > 0; --events) {
            const std::string& one = random() % 3 == 0 ? usage : content;
            stream += one;
            if (&one != &usage) expected += one;
        }
        stream += done;
        expected += done;
        ASSERT_EQ(relayed(pool, stream, random), expected) << "seed " << seed;
    }
}

TEST(HiddenUsage, LetsAnUnfinishedEventPassAtTheEnd) {
    net::BufferPool pool(1 << 20);
    std::mt19937 random(1);
    EXPECT_EQ(relayed(pool, content + "data: {\"choices\":[]", random), content + "data: {\"choices\":[]");
    EXPECT_EQ(relayed(pool, content + usage.substr(0, usage.size() - 4), random), content);
}

TEST(HiddenUsage, EndsWithoutBytes) {
    net::BufferPool pool(1 << 20);
    HiddenUsage hidden;
    std::vector<iovec> out;
    std::vector<net::Slice> cut;
    cut.push_back(slice_of(pool, "data: {\"choices\""));
    hidden.add(cut, false, out);
    EXPECT_TRUE(out.empty());
    cut.clear();
    hidden.add({}, true, out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(std::string(static_cast<const char*>(out[0].iov_base), out[0].iov_len), "data: {\"choices\"");
}

} // namespace
} // namespace headroom::core
