// Lookups in a Head.
#include "net/http/head.hpp"

#include "net/assert.hpp"

namespace headroom::net {

std::string_view Head::path() const noexcept {
    if (path_.size != 0) return at(path_);
    // An absolute-form target without a path: "*" for OPTIONS without a query (RFC 9112 §3.2.4), else "/".
    return method_ == Method::options && !has_query_ ? "*" : "/";
}

Head::Field Head::field(std::size_t index) const noexcept {
    HEADROOM_ASSERT(index < fields_.size());
    const FieldEntry& entry = fields_[index];
    return {{base_ + entry.name_offset, entry.name_size},
            {base_ + entry.value_offset, entry.value_size},
            entry.id,
            entry.hop_by_hop};
}

Head::Range Head::value_range(FieldId id) const noexcept {
    if (!has(id)) return {};
    for (const FieldEntry& entry : fields_.all()) {
        if (entry.id == id) return {entry.value_offset, entry.value_size};
    }
    return {};
}

std::string_view Head::find(FieldId id) const noexcept {
    return at(value_range(id));
}

std::string_view Head::find(std::string_view name) const noexcept {
    for (const Field& one : *this) {
        if (same_name(one.name, name)) return one.value;
    }
    return {};
}

std::size_t Head::count(FieldId id) const noexcept {
    if (!has(id)) return 0;
    std::size_t found = 0;
    for (const FieldEntry& entry : fields_.all())
        found += entry.id == id ? 1 : 0;
    return found;
}

bool Head::nominated(std::string_view name) const noexcept {
    if (!has(FieldId::connection)) return false;
    for (const Field& one : *this) {
        if (one.id != FieldId::connection) continue;
        for (std::string_view rest = one.value, option = next_list_element(rest); !option.empty();
             option = next_list_element(rest)) {
            if (same_name(option, name)) return true;
        }
    }
    return false;
}

} // namespace headroom::net
