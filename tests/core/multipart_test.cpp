// The model field of an upload, wherever the pieces of the body are cut.
#include "core/multipart.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::core {
namespace {

std::string model_of(const std::string& text, std::size_t piece_bytes) {
    net::BufferPool pool(std::size_t{1} << 24U);
    RequestBody body(pool);
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
        net::Slice piece = pool.acquire_slice(net::BlockSize::large);
        piece.append(std::string_view(text).substr(at, piece_bytes));
        EXPECT_TRUE(body.append(std::move(piece)));
    }
    return multipart_model(body);
}

const std::string form =
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
    "Content-Type: audio/wav\r\n\r\nRIFFdata name=\"mod\r\n--b\r\n"
    "Content-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n";

TEST(MultipartModel, IsFoundWhereverTheBodyIsCut) {
    for (std::size_t piece = 1; piece < form.size() + 1; ++piece)
        EXPECT_EQ(model_of(form, piece), "whisper-1") << piece;
}

TEST(MultipartModel, IsEmptyWhenThereIsNone) {
    EXPECT_EQ(model_of("", 1), "");
    EXPECT_EQ(model_of("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n", 7), "");
    EXPECT_EQ(model_of("name=\"model\"", 5), "");
    EXPECT_EQ(model_of("name=\"model\"\r\n\r\n" + std::string(300, 'x') + "\r\n", 9), "");
}

} // namespace
} // namespace headroom::core
