// The fields that SDKs and proxies send, and ours.
#include "core/client_wishes.hpp"

#include "net/http/field.hpp"

#include <algorithm>
#include <array>

namespace headroom::core {
namespace {

constexpr std::string_view own_prefix = "x-headroom-";
constexpr std::string_view max_wait = "x-headroom-max-wait-ms";
constexpr std::string_view retry_count = "x-stainless-retry-count";

/// Timeouts that a client tells: the SDKs that Stainless makes (OpenAI's among them) send the first two,
/// Envoy (the ingress of Azure Container Apps among others) sends its own of the whole request.
struct TimeoutField {
    std::string_view name;
    balance::Duration unit;
};
constexpr std::array<TimeoutField, 5> timeout_fields{{
    {"x-stainless-timeout", std::chrono::seconds(1)},
    {"x-stainless-read-timeout", std::chrono::seconds(1)},
    {"request-timeout", std::chrono::seconds(1)},
    {"x-request-timeout", std::chrono::seconds(1)},
    {"x-envoy-expected-rq-timeout-ms", std::chrono::milliseconds(1)},
}};

bool is_named(std::string_view name, std::string_view expected) noexcept {
    return name.size() == expected.size() && net::same_name(name, expected);
}

std::optional<balance::Duration> timeout_in(const net::Head::Field& field) noexcept {
    for (const TimeoutField& one : timeout_fields) {
        if (is_named(field.name, one.name)) return decimal_duration(field.value, one.unit);
    }
    return std::nullopt;
}

} // namespace

std::optional<balance::Duration> decimal_duration(std::string_view text, balance::Duration unit) noexcept {
    constexpr std::size_t digits_max = 32;
    constexpr double most = 86'400e9; // a day in nanoseconds
    if (text.empty() || text.size() > digits_max) return std::nullopt;
    double value = 0;
    double place = 0; // of the next digit behind the point
    bool any = false;
    for (const char c : text) {
        if (c == '.' && place == 0) {
            place = 0.1;
        } else if (c >= '0' && c <= '9') {
            any = true;
            value = place == 0 ? value * 10 + (c - '0') : value + place * (c - '0');
            place /= 10;
        } else {
            return std::nullopt;
        }
    }
    if (!any) return std::nullopt;
    const double nanoseconds = value * static_cast<double>(std::chrono::nanoseconds(unit).count());
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(nanoseconds, most)));
}

ClientWishes wishes_of(const net::Head& head, const QueueConfig& config) noexcept {
    ClientWishes wishes;
    std::optional<balance::Duration> said;
    std::optional<balance::Duration> timeout;
    for (const net::Head::Field field : head) {
        if (field.id != net::FieldId::other) continue;
        if (is_named(field.name, max_wait)) {
            said = decimal_duration(field.value, std::chrono::milliseconds(1));
        } else if (is_named(field.name, retry_count)) {
            const auto count = decimal_duration(field.value, std::chrono::seconds(1));
            if (count) wishes.retries = static_cast<unsigned>(*count / std::chrono::seconds(1));
        } else if (!config.tenant_header.empty() && is_named(field.name, config.tenant_header)) {
            wishes.tenant = field.value;
        } else if (const auto its = timeout_in(field)) {
            timeout = std::min(*its, timeout.value_or(*its));
        }
    }
    // the other half is for the answer
    if (!said && timeout && *timeout > balance::Duration::zero()) said = *timeout / 2;
    wishes.patience =
        said ? std::min<balance::Duration>(*said, config.wait_max) : balance::Duration(config.wait);
    if (config.length_max == 0) wishes.patience = balance::Duration::zero();
    if (wishes.tenant.empty()) {
        wishes.credential = head.find(net::FieldId::api_key);
        if (wishes.credential.empty()) wishes.credential = head.find(net::FieldId::authorization);
    }
    return wishes;
}

bool is_own_field(std::string_view name, const QueueConfig& config) noexcept {
    if (name.size() > own_prefix.size() && net::same_name(name.substr(0, own_prefix.size()), own_prefix))
        return true;
    return !config.tenant_header.empty() && is_named(name, config.tenant_header);
}

} // namespace headroom::core
