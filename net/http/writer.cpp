// Serialisation of heads and chunk framing.
#include "net/http/writer.hpp"

#include "net/assert.hpp"
#include "net/http/characters.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace headroom::net {
namespace {

/// What may stand in a path and query that we write: the reader has checked them, a rewrite may not have.
bool is_target(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c != 0x7f; });
}

char* put(char* to, std::string_view bytes) noexcept {
    return std::copy(bytes.begin(), bytes.end(), to); // memcpy may not be given the null of an empty view
}

} // namespace

HeadWriter::HeadWriter(BufferPool& pool, std::size_t bytes_hint, std::size_t bytes_max) noexcept
    : pool_(&pool), bytes_max_(bytes_max) {
    grow(std::max<std::size_t>(1, std::min(bytes_hint, bytes_max)));
}

HeadWriter::HeadWriter(std::span<char> memory) noexcept
    : data_(memory.data()), capacity_(memory.size()), bytes_max_(memory.size()) {}

HeadWriter& HeadWriter::fail(Failure failure) noexcept {
    if (ok()) failure_ = failure;
    return *this;
}

bool HeadWriter::grow(std::size_t bytes) noexcept {
    if (pool_ == nullptr || bytes > bytes_max_ - size_) {
        fail(Failure::no_room);
        return false;
    }
    const std::size_t wanted = std::max(size_ + bytes, std::min(2 * capacity_, bytes_max_));
    Block* block =
        wanted <= BufferPool::small_bytes ? pool_->acquire(BlockSize::small) : pool_->acquire_exact(wanted);
    if (block == nullptr) {
        fail(Failure::no_memory);
        return false;
    }
    if (size_ > 0) std::memcpy(block->data(), data_, size_);
    data_ = block->data();
    capacity_ = std::min<std::size_t>(block->capacity_bytes, bytes_max_);
    block_ = Slice(block, data_, 0);
    return true;
}

char* HeadWriter::reserve(std::size_t bytes) noexcept {
    if (!ok()) return nullptr;
    if (bytes > capacity_ - size_ && !grow(bytes)) return nullptr;
    char* place = data_ + size_;
    size_ += bytes;
    return place;
}

HeadWriter& HeadWriter::request_line(Method method, std::string_view path, std::string_view query) noexcept {
    if (path.empty() || !is_target(path) || !is_target(query)) return fail(Failure::bad_bytes);
    const std::string_view name = name_of(method);
    constexpr std::string_view version = " HTTP/1.1\r\n";
    const std::size_t mark = query.empty() ? 0 : 1;
    char* to = reserve(name.size() + 1 + path.size() + mark + query.size() + version.size());
    if (to == nullptr) return *this;
    to = put(to, name);
    *to++ = ' ';
    to = put(to, path);
    if (mark != 0) *to++ = '?';
    to = put(to, query);
    put(to, version);
    return *this;
}

HeadWriter& HeadWriter::status_line(std::uint16_t status, std::string_view reason) noexcept {
    if (status < 100 || status > 599 || !is_field_value(reason)) return fail(Failure::bad_bytes);
    constexpr std::string_view version = "HTTP/1.1 ";
    char* to = reserve(version.size() + 4 + reason.size() + 2);
    if (to == nullptr) return *this;
    to = put(to, version);
    *to++ = static_cast<char>('0' + status / 100);
    *to++ = static_cast<char>('0' + status / 10 % 10);
    *to++ = static_cast<char>('0' + status % 10);
    *to++ = ' ';
    put(put(to, reason), "\r\n");
    return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::string_view value) noexcept {
    if (!is_name(name) || !is_field_value(value)) return fail(Failure::bad_bytes);
    return checked_field(name, value);
}

HeadWriter& HeadWriter::checked_field(std::string_view name, std::string_view value) noexcept {
    char* to = reserve(name.size() + value.size() + 4);
    if (to == nullptr) return *this;
    put(put(put(put(to, name), ": "), value), "\r\n");
    return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::uint64_t value) noexcept {
    std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return field(name, std::string_view(digits.data(), static_cast<std::size_t>(result.ptr - digits.data())));
}

HeadWriter& HeadWriter::end() noexcept {
    return body("\r\n");
}

HeadWriter& HeadWriter::body(std::string_view bytes) noexcept {
    char* to = reserve(bytes.size());
    if (to != nullptr && !bytes.empty()) put(to, bytes);
    return *this;
}

std::string_view HeadWriter::view() const noexcept {
    return ok() ? std::string_view(data_, size_) : std::string_view{};
}

Slice HeadWriter::take() noexcept {
    if (!ok() || block_.block() == nullptr) return {};
    Block* block = block_.block();
    ++block->references;
    block_.reset();
    Slice written(block, data_, size_);
    data_ = nullptr;
    size_ = capacity_ = bytes_max_ = 0;
    return written;
}

bool HeadWriter::is_end_to_end(const Head::Field& field) noexcept {
    return !field.hop_by_hop && field.id != FieldId::content_length;
}

ChunkHeader::ChunkHeader(std::size_t chunk_bytes, bool follows) noexcept {
    HEADROOM_ASSERT(chunk_bytes > 0); // a chunk without bytes would end the body
    std::size_t at = text_.size() - 2;
    put(text_.data() + at, "\r\n");
    do {
        text_[--at] = "0123456789abcdef"[chunk_bytes % 16];
        chunk_bytes /= 16;
    } while (chunk_bytes != 0);
    if (follows) {
        at -= 2;
        put(text_.data() + at, "\r\n");
    }
    begin_ = static_cast<std::uint8_t>(at);
}

void write_last_chunk(HeadWriter& writer, const Trailers& trailers, bool follows) noexcept {
    writer.body(follows ? "\r\n0\r\n" : "0\r\n");
    for (std::size_t i = 0; i < trailers.size(); ++i) {
        const Trailers::Field one = trailers.field(i);
        writer.field(one.name, one.value);
    }
    writer.end();
}

} // namespace headroom::net
