// The smallest edit for each way to spell the absence of include_usage.
#include "balance/usage_edit.hpp"

namespace headroom::balance {
namespace {

constexpr std::string_view whole_member = R"("stream_options":{"include_usage":true},)";
constexpr std::string_view whole_value = R"({"include_usage":true})";
constexpr std::string_view inner_member = R"("include_usage":true,)";

} // namespace

std::optional<UsageEdit> usage_edit(const RequestFacts& facts) noexcept {
    const UsageWish& wish = facts.usage_wish;
    if (!facts.valid || !facts.stream || facts.include_usage || wish.streams != 1) return std::nullopt;
    if (wish.options == 0) {
        // The object has a member, `stream`: the comma is right.
        const std::uint64_t behind_brace = wish.object_begin + 1;
        return UsageEdit{{behind_brace, behind_brace}, whole_member};
    }
    if (wish.options != 1 || !wish.value) return std::nullopt;
    if (!wish.has_members) return UsageEdit{*wish.value, whole_value};
    if (wish.flags == 0) {
        const std::uint64_t behind_brace = wish.value->begin + 1;
        return UsageEdit{{behind_brace, behind_brace}, inner_member};
    }
    if (wish.flags != 1 || !wish.flag) return std::nullopt;
    return UsageEdit{*wish.flag, "true"};
}

bool refuses_usage(int status, std::string_view body) noexcept {
    if (status != 400 && status != 422) return false;
    return body.find("stream_options") != body.npos || body.find("include_usage") != body.npos;
}

} // namespace headroom::balance
