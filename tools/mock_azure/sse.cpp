// Framing of events and chunks.
#include "tools/mock_azure/sse.hpp"

#include <fmt/format.h>

namespace headroom::mock {

std::string sse_text(const Event& event) {
    std::string text;
    text.reserve(event.name.size() + event.data.size() + 20);
    if (!event.name.empty()) text.append("event: ").append(event.name).append("\n");
    return text.append("data: ").append(event.data).append("\n\n");
}

std::string chunk_text(std::string_view data) {
    return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

} // namespace headroom::mock
