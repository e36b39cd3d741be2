// MessageReader: what joins a parser, the receive blocks and the stream.
#include "net/http/reader.hpp"

#include "net/limits.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace headroom::net {
namespace {

/// A head and the largest receive behind it.
constexpr std::size_t gathered_bytes_max = limits::head_bytes_max + BufferPool::large_bytes;

ErrorCode code_of(const ParseFailure& failure) noexcept {
    switch (failure.status) {
        case 413:
        case 414:
        case 431: return ErrorCode::too_large;
        case 417:
        case 501:
        case 505: return ErrorCode::unsupported;
        default: return ErrorCode::malformed;
    }
}

} // namespace

template <typename Parser>
void MessageReader<Parser>::fail_by_parser() noexcept {
    // Another backend may give a valid response; a client's request stays what it is.
    fail({code_of(parser_.failure()), Parser::side, Parser::side == Side::backend});
}

/// The peer has ended while more was due.
template <typename Parser>
void MessageReader<Parser>::fail_by_end() noexcept {
    fail({ErrorCode::closed, Parser::side, Parser::side == Side::backend});
}

template <typename Parser>
void MessageReader<Parser>::push(Slice bytes) noexcept {
    received_bytes_ += bytes.size();
    if (bytes.empty()) {
        ended_ = true;
    } else if (input_.empty()) {
        input_ = std::move(bytes);
    } else if (input_.sole_owner() && input_.spare_bytes() >= bytes.size()) {
        input_.append(bytes.view());
    } else {
        gather(bytes);
    }
}

/// Input and new bytes, in one larger block.
template <typename Parser>
void MessageReader<Parser>::gather(const Slice& bytes) noexcept {
    const std::size_t total = input_.size() + bytes.size();
    if (total > gathered_bytes_max) return fail({ErrorCode::too_large, Parser::side, false});
    const std::size_t capacity = std::min(gathered_bytes_max, std::max(total, 2 * input_.size()));
    Block* block = pool_.acquire_exact(capacity);
    if (block == nullptr) return fail({ErrorCode::no_memory, Side::local, false});
    Slice joined(block, block->data(), 0);
    joined.append(input_.view());
    joined.append(bytes.view());
    input_ = std::move(joined);
}

/// Drops bytes that were read; the block is given back with its last byte.
template <typename Parser>
void MessageReader<Parser>::drop(std::size_t count) noexcept {
    input_.remove_prefix(count);
    if (input_.empty()) input_.reset();
}

template <typename Parser>
bool MessageReader<Parser>::wait_for_more() noexcept {
    if (stream_.open()) stream_.expect(static_cast<std::size_t>(parser_.expected_bytes()));
    return false;
}

template <typename Parser>
bool MessageReader<Parser>::try_read_head() noexcept {
    while (!failed() && !head_ready_) {
        std::size_t consumed = 0;
        switch (parser_.read_head(input_.view(), consumed)) {
            case ParseStatus::interim:
                if (!report_interim_) {
                    parser_.next_head();
                    drop(consumed);
                    break;
                }
                [[fallthrough]];
            case ParseStatus::done:
                head_bytes_ = input_.share(0, consumed);
                drop(consumed);
                head_ready_ = true;
                break;
            case ParseStatus::error: fail_by_parser(); break;
            default:
                if (!ended_) return wait_for_more();
                parser_.on_eof();
                fail_by_end();
        }
    }
    return true;
}

template <typename Parser>
Task<Result<void>> MessageReader<Parser>::read_head() {
    while (!try_read_head()) {
        Result<Slice> bytes = co_await stream_.receive();
        if (!bytes) co_return received(bytes.error());
        push(std::move(*bytes));
    }
    if (failed()) co_return error_;
    co_return Result<void>();
}

template <typename Parser>
bool MessageReader<Parser>::try_read_body(BodyParts& out) noexcept {
    out.clear();
    if (failed()) return true;
    HEADROOM_ASSERT(head_ready_);
    if (parser_.head().framing() == BodyFraming::tunnel) return try_read_raw(out);
    std::size_t consumed = 0;
    BodySpans spans;
    const ParseStatus status = parser_.read_body(input_.view(), consumed, spans);
    if (status == ParseStatus::error) {
        fail_by_parser();
        return true;
    }
    take_pieces(spans, consumed, out);
    out.last = status == ParseStatus::done;
    // who has sent a large message sends the next one of that kind: it finds large blocks from its first byte
    // on
    if (out.last && stream_.open()) stream_.expect(static_cast<std::size_t>(parser_.body_bytes()));
    if (out.last || out.count > 0) return true;
    return finish_by_end(out);
}

template <typename Parser>
void MessageReader<Parser>::take_pieces(const BodySpans& spans, std::size_t consumed,
                                        BodyParts& out) noexcept {
    out.count = spans.count;
    if (spans.count == 1 && spans.pieces[0].size() == input_.size()) {
        out.pieces[0] = std::move(input_);
        return;
    }
    for (std::size_t i = 0; i < spans.count; ++i) {
        const auto offset = static_cast<std::size_t>(spans.pieces[i].data() - input_.data());
        out.pieces[i] = input_.share(offset, spans.pieces[i].size());
    }
    drop(consumed);
}

/// Nothing is left to decode: the end of the message, or the end of the peer, or a wait.
template <typename Parser>
bool MessageReader<Parser>::finish_by_end(BodyParts& out) noexcept {
    if (!ended_) return wait_for_more();
    out.last = parser_.on_eof();
    if (!out.last) fail_by_end();
    return true;
}

template <typename Parser>
bool MessageReader<Parser>::try_read_raw(BodyParts& out) noexcept {
    if (input_.empty()) return finish_by_end(out);
    out.pieces[0] = std::move(input_);
    out.count = 1;
    return true;
}

template <typename Parser>
Task<Result<BodyParts>> MessageReader<Parser>::read_body() {
    BodyParts parts;
    while (!try_read_body(parts)) {
        Result<Slice> bytes = co_await stream_.receive();
        if (!bytes) co_return received(bytes.error());
        push(std::move(*bytes));
    }
    if (failed()) co_return error_;
    co_return std::move(parts);
}

/// An interrupted receive has lost nothing; any other failure stays.
template <typename Parser>
Error MessageReader<Parser>::received(Error error) noexcept {
    if (error.code != ErrorCode::interrupted) fail(error);
    return error;
}

template <typename Parser>
void MessageReader<Parser>::finish_message() noexcept {
    if (parser_.head().interim()) {
        parser_.next_head();
    } else {
        parser_.reset();
    }
    head_bytes_.reset();
    head_ready_ = false;
}

template class MessageReader<RequestParser>;
template class MessageReader<ResponseParser>;

} // namespace headroom::net
