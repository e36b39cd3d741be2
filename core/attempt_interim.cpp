// What a backend says before its response: 1xx, which a proxy passes on (RFC 9110 section 15.2). While two
// attempts race, each keeps what its backend says; the client gets it with the response that it gets.
#include "core/attempt.hpp"
#include "core/exchange.hpp"
#include "net/http/writer.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace headroom::core {
namespace {

constexpr std::size_t head_bytes_hint = 512;

/// HTTP/1.0 has no interim responses. 100 (Continue) is between two neighbours: the client has had its own
/// from us.
bool is_for_client(const net::Head& interim, const net::Head& request) noexcept {
    return interim.status() != 100 && request.version() == net::HttpVersion::http11;
}

} // namespace

/// Takes the reader's interim head for the client, and makes the reader ready for the next one. They are few
/// (net::limits::interim_responses_max), and what waits is no larger than one head may be: what would be, or
/// finds no memory, is left out, as it matters less than the response.
void Attempt::take_interim() {
    const net::Head& head = reader_->head();
    if (is_for_client(head, exchange_.head())) {
        std::size_t room = exchange_.shard().config().limits.head_bytes_max;
        for (const net::Slice& waiting : interim_)
            room -= waiting.size();
        net::HeadWriter writer(exchange_.shard().loop().buffers(), head_bytes_hint, room);
        writer.status_line(head.status(), head.reason()).copy_end_to_end(head).end();
        net::Slice bytes = writer.take();
        if (!bytes.empty()) interim_.push_back(std::move(bytes));
    }
    reader_->finish_message();
}

/// False: the client is gone.
net::Task<bool> Attempt::pass_interim() {
    std::vector<iovec> pieces;
    pieces.reserve(interim_.size());
    for (net::Slice& waiting : interim_)
        pieces.push_back({waiting.mutable_data(), waiting.size()});
    const bool here = co_await exchange_.tell_client(pieces);
    interim_.clear();
    co_return here;
}

} // namespace headroom::core
