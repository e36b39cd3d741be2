// Trailers: the fields after the last chunk that are safe to pass on (RFC 9110 §6.5).
// Routing, authentication, content and control fields are dropped (§6.5.1), so that a trailer can never
// change what was decided from the head; framing fields make the message invalid. The few bytes are copied,
// because they may span receives.
#pragma once

#include "net/http/field_scanner.hpp"
#include "net/http/field_table.hpp"
#include "net/http/parse_status.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::net {

class Head;

class Trailers {
  public:
    struct Field {
        std::string_view name;
        std::string_view value;
    };

    bool empty() const noexcept { return kept_.empty(); }
    std::size_t size() const noexcept { return kept_.size(); }
    Field field(std::size_t index) const noexcept;

    /// Takes the bytes behind the last chunk; `consumed` of them are trailers. done: the list is complete.
    /// Errors: 400, 431. `head` is that of the message.
    ParseStatus read(std::string_view input, const Head& head, std::size_t& consumed);
    const ParseFailure& failure() const noexcept { return failure_; }

  private:
    ParseStatus sort_out(const Head& head);

    std::string text_;
    FieldTable table_;
    std::unique_ptr<FieldScanner> scanner_;
    std::vector<std::uint16_t> kept_;
    ParseFailure failure_;
};

} // namespace headroom::net
