// Any stream, split anywhere, gives its client the same bytes and its meter the same text as the whole does.
#include "balance/stream_text.hpp"
#include "balance/usage_event_filter.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Reader final : TextCounting {
    Reader(std::string_view stream, std::size_t step, Operation operation) : text(operation, this) {
        for (std::size_t at = 0; at < stream.size(); at += step) {
            const std::string_view piece = stream.substr(at, step);
            const std::vector<char> block(piece.begin(), piece.end());
            take({block.data(), block.size()});
        }
        settle(filter.finish(), {});
        tokens = text.tokens();
    }

    void take(std::string_view piece) {
        text.feed(piece);
        while (!piece.empty()) {
            const UsageEventFilter::Run run = filter.next(piece);
            require(run.size > 0 && run.size <= piece.size());
            settle(run.fate, piece.substr(0, run.size));
            piece.remove_prefix(run.size);
        }
        require(held.size() <= UsageEventFilter::event_bytes_max);
    }

    void settle(UsageEventFilter::Fate fate, std::string_view bytes) {
        if (fate == UsageEventFilter::Fate::hold) {
            held += bytes;
            return;
        }
        if (fate == UsageEventFilter::Fate::pass) (passed += held) += bytes;
        held.clear();
    }

    CountedText count(std::string_view part) noexcept override {
        require(!part.empty() && part.size() <= StreamText::buffer_bytes);
        heard += part;
        return {part.size()};
    }

    std::string heard;
    UsageEventFilter filter;
    StreamText text;
    std::string held;
    std::string passed;
    Tokens tokens;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = data[0] == 0 ? 1 : data[0];
    constexpr Operation operations[] = {Operation::chat, Operation::completions, Operation::responses};
    const Operation operation = operations[data[1] % 3];
    const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Reader whole(stream, stream.size() + 1, operation);
    const Reader pieces(stream, step, operation);
    require(whole.passed == pieces.passed);
    require(whole.passed.size() <= stream.size());
    require(whole.heard == pieces.heard);
    require(whole.heard.size() == whole.text.text_bytes());
    require(whole.tokens == pieces.tokens);
    // What no event of is about usage passes whole.
    if (stream.find("sage") == stream.npos && stream.find("\\u") == stream.npos)
        require(whole.passed == stream);
    return 0;
}
