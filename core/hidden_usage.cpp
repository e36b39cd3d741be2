// Runs whose fate is open are added like all others, and taken back when they are hidden or still open.
#include "core/hidden_usage.hpp"

#include <string_view>

namespace headroom::core {

void HiddenUsage::add(std::span<const net::Slice> body, bool last, std::vector<iovec>& out) {
    using Fate = balance::UsageEventFilter::Fate;
    std::size_t open = out.size();
    sending_.swap(held_);
    held_.clear();
    if (!sending_.empty()) out.push_back({sending_.data(), sending_.size()});
    for (const net::Slice& piece : body) {
        std::string_view rest = piece.view();
        while (!rest.empty()) {
            const balance::UsageEventFilter::Run run = filter_.next(rest);
            if (run.fate == Fate::hide) {
                out.resize(open);
            } else {
                out.push_back({const_cast<char*>(rest.data()), run.size});
                if (run.fate == Fate::pass) open = out.size();
            }
            rest.remove_prefix(run.size);
        }
    }
    if (last && filter_.finish() == Fate::pass) open = out.size();
    for (const iovec& piece : std::span(out).subspan(open))
        held_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    out.resize(open);
}

} // namespace headroom::core
