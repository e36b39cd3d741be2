// How an exchange reads its request's body: held whole, or left for streaming when it is too large to hold.
#include "core/exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace headroom::core {
namespace {

bool starts_with_no_case(std::string_view text, std::string_view lower) {
    return text.size() >= lower.size() && net::same_name(text.substr(0, lower.size()), lower);
}

Answer too_large() {
    Answer answer =
        error_answer(413, "RequestEntityTooLarge",
                     "The request body is larger than this proxy accepts (limits.body_bytes_max).");
    answer.close = true;
    return answer;
}

Answer out_of_memory() {
    Answer answer = error_answer(503, "ServiceUnavailable", "This proxy has no memory for the request now.");
    answer.retry_after = std::chrono::seconds(1);
    answer.close = true;
    return answer;
}

} // namespace

bool Exchange::body_may_stream() noexcept {
    return route_.may_stream_body ||
           starts_with_no_case(head().find(net::FieldId::content_type), "multipart/");
}

std::optional<Answer> Exchange::check_body() {
    const net::Head& request = head();
    const LimitConfig& limits = shard().config().limits;
    if (!has_body_) return std::nullopt;
    const std::uint64_t length = request.content_length().value_or(0);
    if (length > limits.body_bytes_max) {
        if (!body_may_stream() || length > limits.streamed_body_bytes_max) return too_large();
        body_streams_ = true;
        return std::nullopt;
    }
    if (length > 0 && !shard().loop().buffers().has_room_for(length)) return out_of_memory();
    const std::string_view type = request.find(net::FieldId::content_type);
    scanning_ = !starts_with_no_case(type, "multipart/") && !starts_with_no_case(type, "audio/") &&
                !starts_with_no_case(type, "application/octet-stream");
    return std::nullopt;
}

/// What is buffered already: for most requests all of it, so that they need no further frame.
Exchange::BodyStep Exchange::take_body() {
    if (!has_body_) {
        body_read_ = true;
        net::BodyParts none;
        session_.reader().try_read_body(none);
        return BodyStep::done;
    }
    if (body_streams_) return BodyStep::done;
    net::BodyParts parts;
    while (session_.reader().try_read_body(parts)) {
        if (session_.reader().failed()) return BodyStep::need_more; // read_body tells
        const BodyStep step = keep_parts(parts);
        if (step != BodyStep::need_more) return step;
    }
    return BodyStep::need_more;
}

/// A body that nobody needs: when all of it is buffered, the connection need not end for it.
void Exchange::pass_over_body() noexcept {
    net::BodyParts parts;
    while (!parts.last && session_.reader().try_read_body(parts) && !session_.reader().failed()) {
    }
    body_read_ = parts.last;
}

Exchange::BodyStep Exchange::keep_parts(net::BodyParts& parts) {
    const LimitConfig& limits = shard().config().limits;
    for (std::size_t i = 0; i < parts.count; ++i) {
        if (scanning_) scan_.feed(parts.pieces[i].view());
        if (!body_.append(std::move(parts.pieces[i])) || body_.held_bytes() > limits.connection_bytes_max) {
            refusal_ = out_of_memory();
            return BodyStep::refused;
        }
    }
    if (parts.last) {
        body_read_ = true;
        if (scanning_) scan_.finish();
        return BodyStep::done;
    }
    if (body_.size() <= limits.body_bytes_max) {
        // of many bodies that together do not fit, those that ask for the last bytes go, so that the others
        // come to their end; all waiting for memory, none would
        if (!shard().memory_short()) return BodyStep::need_more;
        refusal_ = out_of_memory();
        return BodyStep::refused;
    }
    if (!body_may_stream()) {
        refusal_ = too_large();
        return BodyStep::refused;
    }
    body_streams_ = true; // a chunked body that turned out larger: what is held goes first
    return BodyStep::done;
}

net::Task<bool> Exchange::read_body() {
    const TimeoutConfig& timeouts = shard().config().timeouts;
    if (head().expects_continue() && body_.size() == 0 && !session_.reader().failed() &&
        !co_await send_continue()) {
        co_return false;
    }
    const net::Time until = shard().loop().now() + timeouts.body;
    while (true) {
        session_.limit_reading(until);
        net::Result<net::BodyParts> parts = co_await session_.reader().read_body();
        session_.lift_limit();
        if (!parts) {
            read_failed(parts.error());
            co_return false;
        }
        switch (keep_parts(*parts)) {
            case BodyStep::need_more: break;
            case BodyStep::done: co_return true;
            case BodyStep::refused: co_return false;
        }
    }
}

net::Task<bool> Exchange::send_continue() {
    std::array<char, 32> text{"HTTP/1.1 100 Continue\r\n\r\n"};
    std::array<iovec, 1> piece{iovec{text.data(), std::string_view(text.data()).size()}};
    session_.limit_sending(shard().loop().now() + shard().config().timeouts.idle);
    const net::Result<void> sent = co_await session_.stream().send(piece);
    session_.lift_limit();
    if (!sent) read_failed(sent.error());
    co_return sent.ok();
}

/// refusal_.status 0: nobody is there to be answered.
void Exchange::read_failed(net::Error error) {
    keep_ = false;
    if (session_.expired()) {
        refusal_ = error_answer(408, "", "The request body did not arrive in time.");
    } else if (const net::ParseFailure& bad = session_.reader().bad(); bad.status != 0) {
        shard().count().malformed.add();
        record_.why = bad.reason;
        refusal_ = error_answer(bad.status, "", bad.reason);
    } else if (error.code == net::ErrorCode::no_memory) {
        refusal_ = out_of_memory();
    } else {
        refusal_ = Answer{};
        refusal_.status = 0;
        record_.outcome = Outcome::client_gone;
        return;
    }
    refusal_.close = true;
    session_.refuse_more();
}

} // namespace headroom::core
