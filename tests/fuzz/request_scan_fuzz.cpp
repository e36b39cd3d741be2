// Any body, split anywhere, gives the same facts as the whole, and facts that make sense.
#include "balance/request_facts.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Feeds a copy in a block of exactly the piece's size, so that a read beyond it is seen.
void feed_exactly(RequestScan& scan, std::string_view piece) {
    const std::vector<char> block(piece.begin(), piece.end());
    scan.feed({block.data(), block.size()});
}

bool same(const RequestFacts& a, const RequestFacts& b) {
    return a.valid == b.valid && a.object == b.object && a.model() == b.model() &&
           a.model_count == b.model_count && a.model_at == b.model_at && a.stream == b.stream &&
           a.include_usage == b.include_usage && a.stream_options == b.stream_options &&
           a.usage_wish == b.usage_wish && a.store == b.store && a.max_tokens == b.max_tokens &&
           a.max_completion_tokens == b.max_completion_tokens && a.max_output_tokens == b.max_output_tokens &&
           a.n == b.n && a.best_of == b.best_of && a.previous_response_hash == b.previous_response_hash &&
           a.prompt_cache_hash == b.prompt_cache_hash && a.text_bytes == b.text_bytes &&
           a.media_bytes == b.media_bytes && a.media_count == b.media_count && a.numbers == b.numbers;
}

void check(const RequestFacts& facts, std::string_view body) {
    require(facts.body_bytes == body.size());
    require(facts.text_bytes + facts.media_bytes <= 2 * body.size());
    std::uint64_t last = 0;
    for (const ByteRange& at : facts.model_ranges()) {
        require(at.begin >= last && at.begin + 2 <= at.end && at.end <= body.size());
        require(body[at.begin] == '"' && body[at.end - 1] == '"');
        last = at.end;
    }
    for (std::size_t i = 0; i < operation_count; ++i) {
        const Cost cost = estimate(facts, static_cast<Operation>(i));
        require(cost.charge >= cost.prompt && cost.expected >= cost.prompt && cost.prompt >= Tokens(0));
        require(cost.charge <= request_cost_max);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // The first byte says how long the pieces are: a byte each, or up to 255.
    const std::size_t step = data[0] == 0 ? 1 : data[0];
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    RequestScan whole;
    feed_exactly(whole, body);
    const RequestFacts& expected = whole.finish();
    check(expected, body);
    RequestScan pieces;
    for (std::size_t at = 0; at < body.size(); at += step)
        feed_exactly(pieces, body.substr(at, step));
    require(same(pieces.finish(), expected));
    RequestScan halves;
    const std::size_t split = body.size() * step / 256;
    feed_exactly(halves, body.substr(0, split));
    feed_exactly(halves, body.substr(split));
    require(same(halves.finish(), expected));
    return 0;
}
