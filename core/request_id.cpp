// Judging a client's name for a request, and making one.
#include "core/request_id.hpp"

#include "balance/flight_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace headroom::core {
namespace {

bool is_plain(char c) noexcept {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || std::string_view("-_.:+=@").find(c) != std::string_view::npos;
}

} // namespace

std::string request_id_of(std::string_view offered, std::uint64_t random) {
    const bool sane = !offered.empty() && offered.size() <= balance::request_id_bytes_max &&
                      std::all_of(offered.begin(), offered.end(), is_plain);
    return sane ? std::string(offered) : fmt::format("{:016x}", random);
}

void add_request_id(net::HeadWriter& writer, const net::Head& head, std::string_view id) noexcept {
    const bool passed_on = head.find(request_id_field).data() != nullptr && !head.nominated(request_id_field);
    if (!passed_on) writer.field(request_id_field, id);
}

} // namespace headroom::core
