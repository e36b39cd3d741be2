// Trailers: the fields after the last chunk that are safe to pass on (RFC 9110 §6.5).
// Framing, routing, authentication, content and control fields are dropped (§6.5.1), so that a trailer can
// never change what was decided from the head. The few bytes are copied: they may span receives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::net {

class Trailers {
  public:
    struct Field {
        std::string_view name;
        std::string_view value;
    };

    bool empty() const noexcept { return entries_.empty(); }
    std::size_t size() const noexcept { return entries_.size(); }
    Field field(std::size_t index) const noexcept;

  private:
    friend class MessageParser;
    struct Entry {
        std::uint32_t offset;
        std::uint16_t name_size;
        std::uint16_t value_size;
    };
    std::string text_;
    std::vector<Entry> entries_;
};

} // namespace headroom::net
