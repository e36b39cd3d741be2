// Heads of images and recordings, built here byte by byte, in base64 as encoders write it.
#include "balance/prompt/media_head.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace headroom::balance {
namespace {

using namespace std::string_literals;

std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (unsigned j = 0; j < 4; ++j)
            text += i + j > bytes.size() ? '=' : alphabet[bits >> (18 - 6 * j) & 63];
    }
    return text;
}

std::string big(std::uint64_t value, unsigned bytes) {
    std::string text;
    for (unsigned i = bytes; i-- > 0;)
        text += static_cast<char>(value >> (8 * i));
    return text;
}

std::string little(std::uint64_t value, unsigned bytes) {
    std::string text;
    for (unsigned i = 0; i < bytes; ++i, value >>= 8)
        text += static_cast<char>(value);
    return text;
}

ImageSize size_of(std::string_view bytes) {
    return image_size(base64(bytes));
}

constexpr ImageSize expected{800, 600};
const std::string rest(100'000, 'x');

std::string png() {
    return "\x89PNG\r\n\x1a\n"s + big(13, 4) + "IHDR" + big(800, 4) + big(600, 4) + rest;
}

std::string segment(unsigned kind, const std::string& content) {
    return big(0xff00 | kind, 2) + big(content.size() + 2, 2) + content;
}

std::string jpeg(std::size_t before) {
    std::string bytes = "\xff\xd8"s + segment(0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0"s);
    for (; before > 60'000; before -= 60'000)
        bytes += segment(0xe2, std::string(60'000, 'p'));
    return bytes + segment(0xe1, std::string(before, 'e')) + segment(0xc4, "tables") +
           segment(0xc2, "\x08"s + big(600, 2) + big(800, 2) + "\3") + rest;
}

TEST(ImageHead, KnowsEveryFormat) {
    EXPECT_EQ(size_of(png()), expected);
    EXPECT_EQ(size_of("GIF89a"s + little(800, 2) + little(600, 2) + rest), expected);
    EXPECT_EQ(size_of("BM"s + little(0, 12) + little(40, 4) + little(800, 4) + little(600, 4) + rest),
              expected);
    EXPECT_EQ(size_of("BM"s + little(0, 12) + little(12, 4) + little(800, 2) + little(600, 2) + rest),
              expected);
    // Rows from the top have a negative height.
    EXPECT_EQ(size_of("BM"s + little(0, 12) + little(40, 4) + little(800, 4) + little(0xfffffda8, 4) + rest),
              expected);
    const std::string webp = "RIFF"s + little(9000, 4) + "WEBP";
    EXPECT_EQ(size_of(webp + "VP8 " + little(900, 4) + "tag\x9d\x01\x2a" + little(800, 2) + little(600, 2)),
              expected);
    EXPECT_EQ(size_of(webp + "VP8L" + little(900, 4) + "\x2f" + little(799U | 599U << 14, 4)), expected);
    EXPECT_EQ(size_of(webp + "VP8X" + little(10, 4) + little(0, 4) + little(799, 3) + little(599, 3)),
              expected);
    EXPECT_EQ(size_of(jpeg(0)), expected);
    EXPECT_EQ(size_of(jpeg(30'001)), expected);
    EXPECT_EQ(size_of(jpeg(61'000)), expected);
}

TEST(ImageHead, LooksNoFurtherThanItMay) {
    EXPECT_EQ(size_of(jpeg(70'000)), ImageSize{});
    EXPECT_EQ(size_of("\xff\xd8"s + std::string(200'000, '\xff')), ImageSize{});
}

TEST(ImageHead, EncodersEscape) {
    std::string text = base64("GIF89a\xfb\xef\xbe\xff\xff\xff");
    const ImageSize size = image_size(text);
    ASSERT_EQ(size, (ImageSize{0xeffb, 0xffbe}));
    ASSERT_NE(text.find('/'), text.npos);
    ASSERT_NE(text.find('+'), text.npos);
    std::string escaped;
    for (const char c : text) {
        if (c == '/')
            escaped += "\\/";
        else if (c == '+')
            escaped += "\\u002B";
        else
            escaped += c, escaped += "\\n";
    }
    EXPECT_EQ(image_size(escaped), size);
    for (char& c : text)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    EXPECT_EQ(image_size(text), size);
}

TEST(ImageHead, EscapesMaySplitWhatIsSkipped) {
    std::string text = base64(jpeg(30'001));
    for (const std::size_t at : {5U, 100U, 20'000U, 40'000U})
        text.insert(at, "\\n");
    EXPECT_EQ(image_size(text), expected);
}

TEST(ImageHead, AnyBytesAreAccepted) {
    const std::string sources[] = {png(), jpeg(500), "GIF89a"s + rest, "RIFF    WEBPVP8L"s + rest,
                                   "BM"s + rest};
    for (const std::uint64_t seed : seeds(2000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::string text = base64(random.pick(sources).substr(0, random.below(700)));
        for (int i = 0; i < 3 && !text.empty(); ++i)
            text[random.below(text.size())] = random.pick("Ab/+=\\nu0\" \x80");
        const std::string exact(text);
        const ImageSize size = image_size(exact);
        EXPECT_EQ(size, image_size(exact + '='));
        EXPECT_LE(audio_milliseconds(exact, "wav"), exact.size() * 1000);
        EXPECT_LE(data_uri_payload("data:a;base64," + exact).size(), exact.size());
    }
    EXPECT_EQ(image_size(""), ImageSize{});
    EXPECT_EQ(image_size("iV"), ImageSize{});
}

TEST(DataUri, OnlyBase64HasAPayload) {
    EXPECT_EQ(data_uri_payload("data:image/png;base64,iVBO"), "iVBO");
    EXPECT_EQ(data_uri_payload("data:image\\/png;base64,iVBO"), "iVBO");
    EXPECT_EQ(data_uri_payload("data:;base64,"), "");
    EXPECT_EQ(data_uri_payload("data:text/plain,iVBO"), "");
    EXPECT_EQ(data_uri_payload("https://host/data:;base64,iVBO"), "");
    EXPECT_EQ(data_uri_payload("data:" + std::string(300, 'x') + ";base64,iVBO"), "");
}

std::string wav(std::uint32_t samples_bytes, std::uint32_t said) {
    return "RIFF"s + little(0, 4) + "WAVE" + "LIST" + little(5, 4) + "abcde\0"s + "fmt " + little(16, 4) +
           little(1, 2) + little(1, 2) + little(24'000, 4) + little(48'000, 4) + little(2, 2) +
           little(16, 2) + "data" + little(said, 4) + std::string(samples_bytes, '\1');
}

TEST(AudioHead, WavSaysItsLength) {
    EXPECT_EQ(audio_milliseconds(base64(wav(96'000, 96'000)), "wav"), 2000U);
    // A recorder that streams does not know its length; one that is cut has less than it says.
    EXPECT_NEAR(static_cast<double>(audio_milliseconds(base64(wav(96'000, 0)), "wav")), 2000, 1);
    EXPECT_NEAR(static_cast<double>(audio_milliseconds(base64(wav(96'000, 0xffffffff)), "wav")), 2000, 1);
}

TEST(AudioHead, Mp3HasABitRate) {
    // MPEG-1 layer III, 64 kbit/s; the tag before it is 1,000 bytes.
    const std::string frames = "\xff\xfb\x50\xc0"s + std::string(79'996, 'x');
    EXPECT_EQ(audio_milliseconds(base64(frames), "mp3"), 10'000U);
    const std::string tag = "ID3\4\0\0"s + "\0\0\7\x68"s + std::string(1000, 't');
    EXPECT_NEAR(static_cast<double>(audio_milliseconds(base64(tag + frames), "mp3")), 10'126, 2);
    // MPEG-2 layer III, 64 kbit/s.
    EXPECT_EQ(audio_milliseconds(base64("\xff\xf3\x80\xc0"s + std::string(79'996, 'x')), "mp3"), 10'000U);
}

TEST(AudioHead, OthersHaveAUsualRate) {
    const std::string unreadable = base64(std::string(48'000, 'x'));
    EXPECT_EQ(audio_milliseconds(unreadable, "wav"), 1000U);
    EXPECT_EQ(audio_milliseconds(unreadable, "pcm16"), 1000U);
    EXPECT_EQ(audio_milliseconds(unreadable, "mp3"), 3000U);
    EXPECT_EQ(audio_milliseconds(unreadable, "opus"), 12'000U);
    EXPECT_EQ(audio_milliseconds(unreadable, "flac"), 1500U);
    EXPECT_EQ(audio_milliseconds(unreadable, "g711_ulaw"), 6000U);
    EXPECT_EQ(audio_milliseconds("", "mp3"), 0U);
}

} // namespace
} // namespace headroom::balance
