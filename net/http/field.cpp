// Field names and values: recognition and syntax.
#include "net/http/field.hpp"

#include "net/http/characters.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace headroom::net {
namespace {

struct Known {
    std::string_view name;
    FieldId id;
};

/// Sorted by length; letters in lower case.
constexpr std::array known_fields = {
    Known{"te", FieldId::te},
    Known{"via", FieldId::via},
    Known{"date", FieldId::date},
    Known{"host", FieldId::host},
    Known{"range", FieldId::range},
    Known{"cookie", FieldId::cookie},
    Known{"expect", FieldId::expect},
    Known{"server", FieldId::server},
    Known{"api-key", FieldId::api_key},
    Known{"trailer", FieldId::trailer},
    Known{"upgrade", FieldId::upgrade},
    Known{"forwarded", FieldId::forwarded},
    Known{"connection", FieldId::connection},
    Known{"keep-alive", FieldId::keep_alive},
    Known{"set-cookie", FieldId::set_cookie},
    Known{"user-agent", FieldId::user_agent},
    Known{"retry-after", FieldId::retry_after},
    Known{"x-ms-region", FieldId::x_ms_region},
    Known{"content-type", FieldId::content_type},
    Known{"max-forwards", FieldId::max_forwards},
    Known{"x-request-id", FieldId::x_request_id},
    Known{"authorization", FieldId::authorization},
    Known{"cache-control", FieldId::cache_control},
    Known{"last-event-id", FieldId::last_event_id},
    Known{"content-length", FieldId::content_length},
    Known{"http2-settings", FieldId::http2_settings},
    Known{"retry-after-ms", FieldId::retry_after_ms},
    Known{"accept-encoding", FieldId::accept_encoding},
    Known{"apim-request-id", FieldId::apim_request_id},
    Known{"x-forwarded-for", FieldId::x_forwarded_for},
    Known{"content-encoding", FieldId::content_encoding},
    Known{"proxy-connection", FieldId::proxy_connection},
    Known{"x-forwarded-host", FieldId::x_forwarded_host},
    Known{"sec-websocket-key", FieldId::sec_websocket_key},
    Known{"transfer-encoding", FieldId::transfer_encoding},
    Known{"x-forwarded-proto", FieldId::x_forwarded_proto},
    Known{"proxy-authenticate", FieldId::proxy_authenticate},
    Known{"proxy-authorization", FieldId::proxy_authorization},
    Known{"sec-websocket-protocol", FieldId::sec_websocket_protocol},
    Known{"x-ms-client-request-id", FieldId::x_ms_client_request_id},
};
static_assert(known_fields.size() == static_cast<std::size_t>(FieldId::count_) - 2,
              "every FieldId but other and x_ratelimit has its name here");

constexpr std::size_t longest = known_fields.back().name.size();

/// first_of[n] is the place of the first name with at least n characters.
constexpr std::array<std::uint8_t, longest + 2> first_of = [] {
    std::array<std::uint8_t, longest + 2> first{};
    std::size_t place = 0;
    for (std::size_t length = 0; length < first.size(); ++length) {
        while (place < known_fields.size() && known_fields[place].name.size() < length)
            ++place;
        first[length] = static_cast<std::uint8_t>(place);
    }
    return first;
}();

constexpr std::uint64_t hop_by_hop_fields = [] {
    std::uint64_t bits = 0;
    for (const FieldId id :
         {FieldId::connection, FieldId::http2_settings, FieldId::keep_alive, FieldId::proxy_authenticate,
          FieldId::proxy_authorization, FieldId::proxy_connection, FieldId::te, FieldId::trailer,
          FieldId::transfer_encoding, FieldId::upgrade}) {
        bits |= std::uint64_t{1} << static_cast<unsigned>(id);
    }
    return bits;
}();

template <typename Word>
Word lowered(const char* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word | static_cast<Word>(0x2020202020202020U);
}

/// Whether `name` is the word of lower-case letters, digits and "-" at `known`, of the same size. Setting one
/// bit lowers letters and leaves the rest; what else it maps to such a word (a CR, say) is in no name.
bool is_known(std::string_view name, const char* known) noexcept {
    const char* at = name.data();
    const std::size_t size = name.size();
    if (size >= 8) { // words that overlap cover any size
        std::uint64_t difference = lowered<std::uint64_t>(at) ^ lowered<std::uint64_t>(known);
        if (size > 16) difference |= lowered<std::uint64_t>(at + 8) ^ lowered<std::uint64_t>(known + 8);
        difference |= lowered<std::uint64_t>(at + size - 8) ^ lowered<std::uint64_t>(known + size - 8);
        return difference == 0;
    }
    if (size >= 4) {
        return lowered<std::uint32_t>(at) == lowered<std::uint32_t>(known) &&
               lowered<std::uint32_t>(at + size - 4) == lowered<std::uint32_t>(known + size - 4);
    }
    for (std::size_t i = 0; i < size; ++i) {
        if ((at[i] | 0x20) != known[i]) return false;
    }
    return true;
}
static_assert(longest <= 24, "is_known() compares three words");

bool starts_with(std::string_view name, std::string_view prefix) noexcept {
    return name.size() > prefix.size() && same_name(name.substr(0, prefix.size()), prefix);
}

} // namespace

FieldId field_id(std::string_view name) noexcept {
    if (name.empty()) return FieldId::other;
    const char first = static_cast<char>(name.front() | 0x20);
    if (name.size() <= longest) {
        for (std::size_t i = first_of[name.size()]; i < first_of[name.size() + 1]; ++i) {
            const Known& known = known_fields[i];
            if (known.name.front() == first && is_known(name, known.name.data())) return known.id;
        }
    }
    if (first == 'x' && (starts_with(name, "x-ratelimit-") || starts_with(name, "x-rate-limit-"))) {
        return FieldId::x_ratelimit;
    }
    return FieldId::other;
}

bool same_name(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (to_lower(left[i]) != to_lower(right[i])) return false;
    }
    return true;
}

bool is_name(std::string_view name) noexcept {
    return !name.empty() && all_are(name, CharacterClass::name);
}

bool is_field_value(std::string_view value) noexcept {
    return all_are(value, CharacterClass::text);
}

bool is_hop_by_hop(FieldId id) noexcept {
    return (hop_by_hop_fields >> static_cast<unsigned>(id) & 1U) != 0;
}

std::string_view next_list_element(std::string_view& rest) noexcept {
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        const std::string_view element = trim(rest.substr(0, comma));
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        if (!element.empty()) return element;
    }
    return {};
}

} // namespace headroom::net
