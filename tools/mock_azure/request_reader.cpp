// Feeds Beast's parser by hand, so that every byte on the wire stays under the mock's control.
#include "tools/mock_azure/request_reader.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace headroom::mock {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t head_bytes_max = 64 * 1024;
constexpr std::size_t read_bytes = 64 * 1024;

} // namespace

RequestReader::RequestReader(Wire* wire, Buffer* buffer, bool hashes) : wire_(wire), buffer_(buffer) {
    parser_.header_limit(head_bytes_max);
    parser_.body_limit(boost::none);
    parser_.eager(false);
    if (!hashes) return;
    hash_ = std::shared_ptr<void>(EVP_MD_CTX_new(),
                                  [](void* context) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); });
    EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(hash_.get()), EVP_sha256(), nullptr);
}

asio::awaitable<bool> RequestReader::fill() {
    const std::size_t bytes = co_await wire_->read_some(buffer_->prepare(read_bytes));
    buffer_->commit(bytes);
    co_return bytes > 0;
}

asio::awaitable<ReadResult> RequestReader::read_head() {
    bool any = buffer_->size() > 0;
    while (!parser_.is_header_done()) {
        if (buffer_->size() > 0) {
            boost::beast::error_code error;
            buffer_->consume(parser_.put(buffer_->data(), error));
            if (error == http::error::header_limit) co_return ReadResult::head_too_large;
            if (error && error != http::error::need_more) co_return ReadResult::unreadable;
            if (parser_.is_header_done()) break;
        }
        if (!co_await fill()) co_return any ? ReadResult::unreadable : ReadResult::closed;
        any = true;
    }
    co_return ReadResult::ok;
}

asio::awaitable<ReadResult> RequestReader::read_body(std::int64_t bytes_max, std::int64_t kept_bytes_max) {
    if (const auto length = parser_.content_length();
        length && static_cast<std::int64_t>(*length) > bytes_max) {
        co_return ReadResult::body_too_large;
    }
    if (!parser_.is_done() && head().version() == 11 &&
        boost::beast::iequals(head()[http::field::expect], "100-continue") && buffer_->size() == 0) {
        if (!co_await wire_->write("HTTP/1.1 100 Continue\r\n\r\n")) co_return ReadResult::closed;
    }
    parser_.eager(true);
    auto piece = std::make_unique<std::array<char, read_bytes>>();
    while (!parser_.is_done()) {
        if (buffer_->size() == 0 && !co_await fill()) co_return ReadResult::closed;
        auto& target = parser_.get().body();
        target.data = piece->data();
        target.size = piece->size();
        boost::beast::error_code error;
        const std::size_t used = parser_.put(buffer_->data(), error);
        buffer_->consume(used);
        const std::size_t got = piece->size() - target.size;
        if (hash_) EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(hash_.get()), piece->data(), got);
        const std::int64_t room = kept_bytes_max - static_cast<std::int64_t>(body_.size());
        body_.append(piece->data(), std::min(got, static_cast<std::size_t>(std::max<std::int64_t>(0, room))));
        body_bytes_ += static_cast<std::int64_t>(got);
        if (body_bytes_ > bytes_max) co_return ReadResult::body_too_large;
        if (error && error != http::error::need_buffer && error != http::error::need_more)
            co_return ReadResult::unreadable;
        if (used == 0 && got == 0 && !parser_.is_done() && !co_await fill()) co_return ReadResult::closed;
    }
    co_return ReadResult::ok;
}

std::string RequestReader::body_sha256() const {
    if (!hash_) return {};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> copy(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_MD_CTX_copy_ex(copy.get(), static_cast<const EVP_MD_CTX*>(hash_.get()));
    EVP_DigestFinal_ex(copy.get(), digest.data(), &length);
    std::string text;
    for (unsigned i = 0; i < length; ++i)
        text += fmt::format("{:02x}", digest[i]);
    return text;
}

} // namespace headroom::mock
