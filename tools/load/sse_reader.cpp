// Server-sent events (WHATWG HTML, 9.2): fields in lines, a blank line ends an event.
#include "tools/load/sse_reader.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::load {
namespace {

// The value of `field` when the line is that field, without the one blank that may follow the colon.
bool field_value(std::string_view line, std::string_view field, std::string_view& value) noexcept {
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':') return false;
    value = line.substr(field.size() + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    return true;
}

} // namespace

std::uint64_t SseReader::feed(std::string_view bytes) noexcept {
    const std::uint64_t before = events_;
    while (!bytes.empty()) {
        const void* found = std::memchr(bytes.data(), '\n', bytes.size());
        const std::size_t length =
            found == nullptr ? bytes.size()
                             : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        if (line_bytes_ < line_.size()) {
            std::copy_n(bytes.data(), std::min(length, line_.size() - line_bytes_),
                        line_.data() + line_bytes_);
        }
        line_bytes_ += length;
        if (found == nullptr) break;
        end_line();
        line_bytes_ = 0;
        bytes.remove_prefix(length + 1);
    }
    return events_ - before;
}

void SseReader::end_line() noexcept {
    std::string_view line{line_.data(), std::min(line_bytes_, line_.size())};
    if (line_bytes_ <= line_.size() && line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
        end_event();
        return;
    }
    std::string_view value;
    if (field_value(line, "data", value)) {
        has_data_ = true;
        if (value == "[DONE]") is_last_ = true;
        if (value.starts_with(R"({"error")")) failed_ = true;
    } else if (field_value(line, "event", value)) {
        if (value == "response.completed" || value == "response.incomplete" || value == "response.failed")
            is_last_ = true;
        if (value == "error") failed_ = true;
    }
}

void SseReader::end_event() noexcept {
    if (has_data_) {
        ++events_;
        ended_ = is_last_;
    }
    has_data_ = false;
    is_last_ = false;
}

} // namespace headroom::load
