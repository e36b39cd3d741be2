// Finds `"id":"resp_..."` in the first bytes of an answer.
#include "balance/response_id.hpp"

#include "balance/request_facts.hpp"

namespace headroom::balance {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view without_blanks(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text;
}

} // namespace

std::uint64_t ResponseId::hash() const noexcept {
    constexpr std::string_view name = "\"id\"";
    constexpr std::string_view kind = "resp_";
    std::string_view rest(head_.data(), size_);
    for (std::size_t at = rest.find(name); at != rest.npos; at = rest.find(name)) {
        rest.remove_prefix(at + name.size());
        std::string_view value = without_blanks(rest);
        if (!value.starts_with(':')) continue;
        value = without_blanks(value.substr(1));
        if (!value.starts_with('"')) continue;
        value.remove_prefix(1);
        const std::size_t end = value.find_first_of("\"\\");
        if (end == value.npos || value[end] != '"' || !value.starts_with(kind)) continue;
        return response_hash(value.substr(0, end));
    }
    return 0;
}

} // namespace headroom::balance
