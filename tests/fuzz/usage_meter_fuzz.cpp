// Any response, split anywhere, is metered and judged as the whole is.
#include "balance/stream_events.hpp"
#include "balance/usage_meter.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Meters and judges a response fed in pieces of `step` bytes, each in a block of exactly its size.
struct Reader {
    Reader(std::string_view response, std::size_t step, UsageMeter::Kind kind, std::uint64_t held_bytes_max)
        : meter(kind), judge(held_bytes_max) {
        for (std::size_t at = 0; at < response.size(); at += step) {
            const std::string_view piece = response.substr(at, step);
            const std::vector<char> block(piece.begin(), piece.end());
            meter.feed({block.data(), block.size()});
            judge.feed({block.data(), block.size()});
        }
        before_end = judge.verdict();
        judge.finish();
    }

    UsageMeter meter;
    StreamJudge judge;
    StreamVerdict before_end;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = data[0] == 0 ? 1 : data[0];
    const auto kind = (data[1] & 1) != 0 ? UsageMeter::Kind::sse : UsageMeter::Kind::json;
    const std::uint64_t held_bytes_max = data[1] < 128 ? 1U << 20 : data[1];
    const std::string_view response(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Reader whole(response, response.size() + 1, kind, held_bytes_max);
    const Reader pieces(response, step, kind, held_bytes_max);
    require(whole.meter.finish() == pieces.meter.finish());
    require(whole.meter.model() == pieces.meter.model());
    require(whole.meter.output_estimate() == pieces.meter.output_estimate());
    require(whole.before_end == pieces.before_end);
    require(whole.judge.verdict() == pieces.judge.verdict());
    require(whole.judge.verdict() != StreamVerdict::hold);
    if (const auto usage = whole.meter.finish()) {
        require(usage->prompt >= Tokens(0) && usage->completion >= Tokens(0) && usage->total >= Tokens(0));
    }
    return 0;
}
