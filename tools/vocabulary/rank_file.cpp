// The hash is checked before anything is parsed, so the package that carried the file needs no trust.
#include "tools/vocabulary/rank_file.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace headroom::vocabulary {
namespace {

std::string_view expected_sha256(std::string_view encoding) {
    if (encoding == "o200k_base") return "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d";
    if (encoding == "cl100k_base") return "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7";
    throw std::runtime_error("knows o200k_base and cl100k_base, not " + std::string(encoding));
}

std::string sha256(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-256");
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

std::string decode_base64(std::string_view text) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        if (c == '=') break;
        const std::size_t value = alphabet.find(c);
        if (value == alphabet.npos) throw std::runtime_error("not base64: " + std::string(text));
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xff);
        }
    }
    return bytes;
}

} // namespace

std::vector<std::string> read_rank_file(const std::filesystem::path& file, std::string_view encoding) {
    std::ifstream stream(file, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(stream), {});
    if (content.empty()) throw std::runtime_error("cannot read " + file.string());
    if (sha256(content) != expected_sha256(encoding))
        throw std::runtime_error(file.string() + " is not OpenAI's " + std::string(encoding));

    std::vector<std::string> tokens;
    for (std::string_view rest = content; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::size_t blank = line.find(' ');
        std::size_t rank = 0;
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), rank);
        if (rank != tokens.size()) throw std::runtime_error("ranks are not in order");
        tokens.push_back(decode_base64(line.substr(0, blank)));
    }
    return tokens;
}

} // namespace headroom::vocabulary
