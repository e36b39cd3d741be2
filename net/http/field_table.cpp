// Growth of a FieldTable: room for a usual head at first, then for the largest.
#include "net/http/field_table.hpp"

#include <algorithm>

namespace headroom::net {
namespace {

/// What SDKs and browsers send stays below it.
constexpr std::size_t usual_fields = 24;

} // namespace

bool FieldTable::grow(std::size_t fields_max) {
    if (size_ >= fields_max) return false;
    const std::size_t capacity = capacity_ == 0 ? std::min(usual_fields, fields_max) : fields_max;
    std::unique_ptr<FieldEntry[]> larger(new FieldEntry[capacity]);
    std::copy_n(entries_.get(), size_, larger.get());
    entries_ = std::move(larger);
    capacity_ = static_cast<std::uint16_t>(capacity);
    return true;
}

} // namespace headroom::net
