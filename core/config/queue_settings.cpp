// Reading and showing what waiting and retrying are bounded by.
#include "core/config/queue_settings.hpp"

#include "core/config/text.hpp"
#include "core/config/value.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace headroom::core {
namespace {

/// tchar of RFC 9110 section 5.6.2, without what the other settings' texts need.
bool is_field_name(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
    };
    return !text.empty() && text.size() <= limits::field_name_bytes_max && std::ranges::all_of(text, allowed);
}

bool is_tenant_name(std::string_view text) {
    const auto allowed = [](char c) { return c > 0x20 && c < 0x7f && c != '=' && c != ','; };
    return !text.empty() && text.size() <= limits::name_bytes_max && std::ranges::all_of(text, allowed);
}

std::optional<unsigned> weight_of(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value == 0 || value > limits::weight_max) return std::nullopt;
    return value;
}

} // namespace

void read_budget(unsigned& amount, Reader& reader, unsigned most) {
    reader.number(amount, 0, most);
}

void read_refusals(QuotaConfig& quota, Reader& reader) {
    reader.number(quota.refusals_per_1000, 1, 1000);
}

void read_queue_wait(std::chrono::milliseconds& wait, Reader& reader) {
    reader.duration(wait, std::chrono::milliseconds{0});
}

void read_queue_bounds(QueueConfig& queue, Reader& reader, bool bytes) {
    if (bytes) {
        reader.bytes(queue.bytes_max, 0, std::uint64_t{1} << 44U);
    } else {
        reader.number(queue.length_max, 0, limits::queue_length_max);
    }
}

void read_tenant_header(QueueConfig& queue, Reader& reader) {
    const auto name = trimmed(reader.text());
    if (same_word(name, "none")) {
        queue.tenant_header.clear();
    } else if (is_field_name(name)) {
        queue.tenant_header = lowered(name);
    } else {
        reader.mistake(fmt::format("expected the name of a header, or none, found {}", in_ticks(name)));
    }
}

void read_tenant_weights(QueueConfig& queue, Reader& reader) {
    std::vector<TenantWeight> all;
    for (const auto& item : reader.items()) {
        const auto equals = std::min(item.text.find('='), item.text.size());
        const auto tenant = trimmed(std::string_view{item.text}.substr(0, equals));
        const auto weight =
            weight_of(trimmed(std::string_view{item.text}.substr(std::min(equals + 1, item.text.size()))));
        if (!is_tenant_name(tenant) || !weight) {
            reader.mistake(item, fmt::format("expected tenant=number, such as search=4, with a number from 1 "
                                             "to {}, found {}",
                                             limits::weight_max, in_ticks(item.text)));
        } else if (std::ranges::find(all, tenant, &TenantWeight::tenant) != all.end()) {
            reader.mistake(item, fmt::format("{} is given twice", in_ticks(tenant)));
        } else if (all.size() == limits::tenant_weights_max) {
            reader.mistake(item, fmt::format("at most {} tenants", all.size()));
            break;
        } else {
            all.push_back({std::string{tenant}, *weight});
        }
    }
    std::ranges::sort(all, {}, &TenantWeight::tenant);
    queue.weights = std::move(all);
}

std::string shown_tenant_header(const QueueConfig& queue) {
    return queue.tenant_header.empty() ? "none" : queue.tenant_header;
}

std::string shown_tenant_weights(const QueueConfig& queue) {
    std::string text;
    for (const auto& one : queue.weights)
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", one.tenant, one.weight);
    return text.empty() ? "none" : text;
}

std::string shown_queue_number(std::uint64_t number, bool bytes) {
    return bytes ? shown_bytes(number) : fmt::format("{}", number);
}

std::string shown_queue_wait(std::chrono::milliseconds wait) {
    return shown(wait);
}

} // namespace headroom::core
