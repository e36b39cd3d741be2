// BufferPool and Slice: every byte is counted, blocks live as long as their last slice, and come back hot.
#include "net/buffer.hpp"

#include "net/inbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace headroom::net {
namespace {

constexpr std::size_t plenty = std::size_t{1} << 24;

Slice text_slice(BufferPool& pool, std::string_view text) {
    Slice slice =
        pool.acquire_slice(text.size() > BufferPool::small_bytes ? BlockSize::large : BlockSize::small);
    slice.append(text);
    return slice;
}

TEST(BufferTest, CountsWhatIsOut) {
    BufferPool pool(plenty);
    {
        const Slice small = pool.acquire_slice(BlockSize::small);
        const Slice large = pool.acquire_slice(BlockSize::large);
        EXPECT_EQ(pool.bytes_in_use(), BufferPool::small_bytes + BufferPool::large_bytes);
        EXPECT_EQ(small.spare_bytes(), BufferPool::small_bytes);
        EXPECT_EQ(large.spare_bytes(), BufferPool::large_bytes);
        EXPECT_TRUE(small.empty());
    }
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(BufferTest, ABlockLivesUntilItsLastSlice) {
    BufferPool pool(plenty);
    Slice whole = text_slice(pool, "head and body");
    Slice body = whole.share(9, 4);
    EXPECT_FALSE(whole.sole_owner());
    whole.reset();
    EXPECT_EQ(body.view(), "body");
    EXPECT_TRUE(body.sole_owner());
    EXPECT_EQ(pool.bytes_in_use(), BufferPool::small_bytes);
    Slice moved = std::move(body);
    EXPECT_TRUE(body.empty()); // NOLINT(bugprone-use-after-move): what moving leaves is part of the contract
    moved = Slice();
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(BufferTest, SlicesShrinkAndGrowInsideTheirBlock) {
    BufferPool pool(plenty);
    Slice slice = text_slice(pool, "0123456789");
    slice.remove_prefix(3);
    slice.truncate(4);
    EXPECT_EQ(slice.view(), "3456");
    EXPECT_EQ(slice.spare_bytes(), BufferPool::small_bytes - 7);
    slice.append("ab");
    EXPECT_EQ(slice.view(), "3456ab");
}

TEST(BufferTest, TheBoundHoldsAndRecovers) {
    BufferPool pool(3 * BufferPool::small_bytes);
    EXPECT_EQ(pool.acquire(BlockSize::large), nullptr);
    std::vector<Slice> held;
    for (Slice slice = pool.acquire_slice(BlockSize::small); slice.block() != nullptr;
         slice = pool.acquire_slice(BlockSize::small)) {
        held.push_back(std::move(slice));
    }
    EXPECT_EQ(held.size(), 3U);
    EXPECT_FALSE(pool.has_room_for(1));
    held.pop_back();
    EXPECT_TRUE(pool.has_room_for(BufferPool::small_bytes));
    EXPECT_NE(pool.acquire_slice(BlockSize::small).block(), nullptr);
}

TEST(BufferTest, TheLastBlockGivenBackIsTheNextOneOut) {
    BufferPool pool(plenty);
    Slice first = pool.acquire_slice(BlockSize::small);
    const Block* block = first.block();
    first.reset();
    EXPECT_EQ(pool.acquire_slice(BlockSize::small).block(), block);
}

TEST(BufferTest, ExactBlocksHoldWhatWasAskedFor) {
    BufferPool pool(plenty);
    Block* block = pool.acquire_exact(100'000);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(block->capacity_bytes, 100'000U);
    EXPECT_GE(pool.bytes_in_use(), 100'000U);
    const char* end = block->data() + block->capacity_bytes;
    EXPECT_TRUE(std::all_of(end, end + block_padding_bytes, [](char byte) { return byte == 0; }));
    Slice(block, block->data(), 0).reset();
    EXPECT_EQ(pool.bytes_in_use(), 0U);
    EXPECT_EQ(pool.acquire_exact(plenty + 1), nullptr);
}

TEST(InboxTest, KeepsTheOrderOfTheWire) {
    BufferPool pool(plenty);
    Inbox inbox;
    EXPECT_FALSE(inbox.has_input());
    inbox.push(text_slice(pool, std::string(5000, 'a')));
    inbox.push(text_slice(pool, std::string(6000, 'b')));
    inbox.end();
    EXPECT_TRUE(inbox.peer_gone());
    EXPECT_EQ(inbox.take()->size(), 5000U);
    EXPECT_EQ(inbox.take()->size(), 6000U);
    EXPECT_TRUE(inbox.take()->empty());
    EXPECT_TRUE(inbox.take()->empty()) << "the FIN is told again and again";
}

TEST(InboxTest, TellsOfAFailureAfterTheBytesBeforeIt) {
    BufferPool pool(plenty);
    Inbox inbox;
    const Error reset{ErrorCode::reset, Side::backend, true};
    inbox.push(text_slice(pool, "last words"));
    inbox.fail(reset);
    EXPECT_EQ(inbox.take()->view(), "last words");
    EXPECT_EQ(inbox.take().error(), reset);
    EXPECT_EQ(inbox.take().error(), reset);
}

TEST(InboxTest, TinyPiecesShareABlock) {
    BufferPool pool(plenty);
    Inbox inbox;
    for (int i = 0; i < 1000; ++i)
        inbox.push(text_slice(pool, "12345678"));
    EXPECT_EQ(inbox.bytes(), 8000U);
    EXPECT_EQ(pool.bytes_in_use(), BufferPool::small_bytes);
    EXPECT_EQ(inbox.take()->size(), 8000U);
}

TEST(InboxTest, APieceThatSomebodyElseHoldsIsNeverAppendedTo) {
    BufferPool pool(plenty);
    Inbox inbox;
    Slice first = text_slice(pool, "first");
    const Slice held = first.share(0, 5);
    inbox.push(std::move(first));
    inbox.push(text_slice(pool, "second"));
    EXPECT_EQ(inbox.pieces(), 2U);
    EXPECT_EQ(held.view(), "first");
    inbox.clear();
    EXPECT_EQ(inbox.bytes(), 0U);
}

} // namespace
} // namespace headroom::net
