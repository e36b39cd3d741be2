// The BIO of a TLS session and the blocks that its records are collected in.
#include "net/tls/wire.hpp"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace headroom::net {
namespace {

TlsWire& wire_of(BIO* bio) noexcept {
    return *static_cast<TlsWire*>(BIO_get_data(bio));
}

int read_input(BIO* bio, char* into, std::size_t size, std::size_t* read) noexcept {
    Slice& input = wire_of(bio).input;
    BIO_clear_retry_flags(bio);
    if (input.empty()) {
        BIO_set_retry_read(bio);
        *read = 0;
        return 0;
    }
    const std::size_t count = std::min(size, input.size());
    std::memcpy(into, input.data(), count);
    input.remove_prefix(count);
    if (input.empty()) input.reset();
    *read = count;
    return 1;
}

int write_output(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) noexcept {
    TlsWire& wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    *written = 0;
    if (wire.overflowed || !wire.output.append(*wire.pool, {bytes, size})) {
        wire.overflowed = true;
        return 0;
    }
    *written = size;
    return 1;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*argument*/) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int on_create(BIO* bio) noexcept {
    BIO_set_init(bio, 1);
    return 1;
}

const BIO_METHOD* make_method() noexcept {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headroom wire");
    if (method == nullptr) return nullptr;
    BIO_meth_set_read_ex(method, read_input);
    BIO_meth_set_write_ex(method, write_output);
    BIO_meth_set_ctrl(method, control);
    BIO_meth_set_create(method, on_create);
    return method;
}

} // namespace

bio_st* TlsWire::new_bio() noexcept {
    static const BIO_METHOD* const method = make_method(); // lives as long as the program
    BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
    if (bio != nullptr) BIO_set_data(bio, this);
    return bio;
}

RecordQueue::RecordQueue(RecordQueue&& other) noexcept
    : blocks_(std::move(other.blocks_)),
      count_(std::exchange(other.count_, 0)),
      bytes_(std::exchange(other.bytes_, 0)) {}

RecordQueue& RecordQueue::operator=(RecordQueue&& other) noexcept {
    if (this != &other) {
        blocks_ = std::move(other.blocks_);
        count_ = std::exchange(other.count_, 0);
        bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
}

bool RecordQueue::reserve(BufferPool& pool, std::size_t bytes) noexcept {
    if (count_ > 0 && blocks_[count_ - 1].spare_bytes() >= bytes) return true;
    // What is left of the last block is given up: a record in one piece is worth more than its rest.
    return add_block(pool, bytes);
}

bool RecordQueue::append(BufferPool& pool, std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        if (count_ == 0 || blocks_[count_ - 1].spare_bytes() == 0) {
            if (!add_block(pool, bytes.size())) return false;
        }
        Slice& last = blocks_[count_ - 1];
        const std::string_view part = bytes.substr(0, last.spare_bytes());
        last.append(part);
        bytes_ += part.size();
        bytes.remove_prefix(part.size());
    }
    return true;
}

bool RecordQueue::add_block(BufferPool& pool, std::size_t for_bytes) noexcept {
    if (count_ == blocks_max) return false;
    const bool small = for_bytes <= BufferPool::small_bytes;
    Slice block = pool.acquire_slice(small ? BlockSize::small : BlockSize::large);
    if (block.block() == nullptr) return false;
    blocks_[count_++] = std::move(block);
    return true;
}

std::size_t RecordQueue::gather(std::span<iovec, blocks_max> pieces) noexcept {
    std::size_t used = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        if (!blocks_[i].empty()) pieces[used++] = {blocks_[i].mutable_data(), blocks_[i].size()};
    }
    return used;
}

void RecordQueue::clear() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        blocks_[i].reset();
    }
    count_ = 0;
    bytes_ = 0;
}

} // namespace headroom::net
