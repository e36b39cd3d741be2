// Holding, compacting and editing a request's body.
#include "core/request_body.hpp"

#include <algorithm>

namespace headroom::core {
namespace {

/// A piece that fills less than this share of its block is copied rather than kept.
constexpr std::size_t waste_factor_max = 4;
/// A piece smaller than this is copied even when its block is kept anyway: its place in the list is a burden.
constexpr std::size_t piece_bytes_min = 128;

} // namespace

bool RequestBody::append(net::Slice piece) {
    if (piece.empty()) return true;
    const net::Block* block = piece.block();
    const bool same_block = !pieces_.empty() && pieces_.back().block() == block;
    const bool wastes =
        block != nullptr && (same_block ? piece.size() < piece_bytes_min
                                        : piece.size() * waste_factor_max < block->capacity_bytes);
    if (wastes && size_ > 0) return append_by_copy(piece.view());
    size_ += piece.size();
    if (!same_block && block != nullptr) held_bytes_ += block->capacity_bytes;
    pieces_.push_back(std::move(piece));
    return true;
}

bool RequestBody::append_by_copy(std::string_view bytes) {
    while (!bytes.empty()) {
        if (pieces_.empty() || !pieces_.back().sole_owner() || pieces_.back().spare_bytes() == 0) {
            const auto size =
                size_ >= net::BufferPool::large_bytes ? net::BlockSize::large : net::BlockSize::small;
            net::Slice fresh = pool_->acquire_slice(size);
            if (fresh.block() == nullptr) return false;
            held_bytes_ += fresh.block()->capacity_bytes;
            pieces_.push_back(std::move(fresh));
        }
        const std::size_t count = std::min(bytes.size(), pieces_.back().spare_bytes());
        pieces_.back().append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        size_ += count;
    }
    return true;
}

void RequestBody::clear() noexcept {
    pieces_.clear();
    size_ = 0;
    held_bytes_ = 0;
}

std::uint64_t RequestBody::size_with(std::span<const BodyEdit> edits) const noexcept {
    std::uint64_t size = size_;
    for (const BodyEdit& edit : edits)
        size = size - (edit.range.end - edit.range.begin) + edit.text.size();
    return size;
}

void RequestBody::append_to(std::vector<iovec>& out, std::span<const BodyEdit> edits) const {
    std::uint64_t at = 0;
    for (const BodyEdit& edit : edits) {
        append_range(out, at, edit.range.begin);
        if (!edit.text.empty()) out.push_back({const_cast<char*>(edit.text.data()), edit.text.size()});
        at = edit.range.end;
    }
    append_range(out, at, size_);
}

void RequestBody::append_range(std::vector<iovec>& out, std::uint64_t begin, std::uint64_t end) const {
    std::uint64_t piece_begin = 0;
    for (const net::Slice& piece : pieces_) {
        const std::uint64_t piece_end = piece_begin + piece.size();
        if (piece_begin >= end) return;
        if (piece_end > begin) {
            const std::uint64_t from = std::max(begin, piece_begin) - piece_begin;
            const std::uint64_t to = std::min(end, piece_end) - piece_begin;
            if (to > from) out.push_back({const_cast<char*>(piece.data()) + from, to - from});
        }
        piece_begin = piece_end;
    }
}

} // namespace headroom::core
