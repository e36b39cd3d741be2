// FieldScanner: field lines up to the empty line, into a FieldTable, by llhttp in its strict mode.
// llhttp starts behind a start line that is always the same, since start lines are read here more strictly
// (net/http/start_line.hpp); trailer sections go through the same scanner. No lenient flag is ever set.
#pragma once

#include "net/http/field_table.hpp"
#include "net/http/parse_status.hpp"

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::net {

static_assert(LLHTTP_VERSION_MAJOR > 9 || (LLHTTP_VERSION_MAJOR == 9 && LLHTTP_VERSION_MINOR >= 2),
              "llhttp before 9.2 accepts smuggled requests");

class FieldScanner {
  public:
    /// Field lines begin at `offset` of the input of scan(); at most `fields_max` go into `table`.
    FieldScanner(FieldTable& table, std::size_t offset, std::size_t fields_max) noexcept;
    FieldScanner(const FieldScanner&) = delete;
    FieldScanner& operator=(const FieldScanner&) = delete;

    /// `input` is the whole section so far: the same bytes as before with more behind them, perhaps moved.
    /// done: position() is behind the empty line. error: 400, or 431 for too many fields.
    ParseStatus scan(std::string_view input) noexcept;
    /// Offset of the first byte not looked at.
    std::size_t position() const noexcept { return position_; }
    const ParseFailure& failure() const noexcept { return failure_; }

  private:
    struct Callbacks;

    llhttp_t machine_;
    FieldTable& table_;
    const char* base_ = nullptr;
    ParseFailure failure_;
    std::size_t position_;
    std::size_t fields_max_;
    FieldEntry* open_ = nullptr; ///< the entry being filled, in the table
    bool in_value_ = false;
};

} // namespace headroom::net
