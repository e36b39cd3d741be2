// Inbox: queueing, joining and taking received pieces; Watch: telling news once.
#include "net/inbox.hpp"

#include "net/assert.hpp"

#include <utility>

namespace headroom::net {
namespace {

/// Pieces up to this size are copied behind their predecessor rather than kept as a block of their own.
constexpr std::size_t joined_bytes_max = 2048;
/// A drained list longer than this was a burst: its memory goes back.
constexpr std::size_t kept_capacity_max = 16;

} // namespace

void Inbox::push(Slice piece) {
    bytes_ += piece.size();
    if (pieces() != 0 && piece.size() <= joined_bytes_max) {
        Slice& last = pieces_.back();
        if (last.sole_owner() && last.spare_bytes() >= piece.size()) {
            last.append(piece.view());
            return;
        }
    }
    pieces_.push_back(std::move(piece));
}

void Inbox::fail(Error error) noexcept {
    HEADROOM_ASSERT(error.code != ErrorCode::none);
    if (!failed()) failure_ = error;
}

void Inbox::clear() noexcept {
    pieces_ = std::vector<Slice>();
    first_ = 0;
    bytes_ = 0;
}

Result<Slice> Inbox::take() noexcept {
    if (pieces() != 0) {
        Slice piece = std::move(pieces_[first_]);
        bytes_ -= piece.size();
        if (++first_ == pieces_.size()) {
            first_ = 0;
            pieces_.clear();
            if (pieces_.capacity() > kept_capacity_max) pieces_ = std::vector<Slice>();
        }
        return piece;
    }
    if (ended_) return Slice();
    HEADROOM_ASSERT(failed());
    return failure_;
}

void Watch::set(Notify notify, void* context) noexcept {
    notify_ = notify;
    context_ = context;
    told_ = taken_; // a new watcher has been told nothing
}

bool Watch::tell(Attention attention) noexcept {
    if (notify_ == nullptr || (told_ & bit(attention)) != 0) return false;
    told_ |= bit(attention);
    notify_(context_, attention);
    return true;
}

} // namespace headroom::net
