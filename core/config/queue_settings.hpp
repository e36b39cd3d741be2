// The settings of waiting, retrying, hedging and using quotas: rows of the one table
// (core/config/settings.hpp).
#pragma once

#include "core/config/settings.hpp"

#include <array>
#include <span>

namespace headroom::core {

/// How each is read and shown.
void read_tenant_header(QueueConfig& queue, Reader& reader);
void read_tenant_weights(QueueConfig& queue, Reader& reader);
[[nodiscard]] std::string shown_tenant_header(const QueueConfig& queue);
[[nodiscard]] std::string shown_tenant_weights(const QueueConfig& queue);
void read_queue_bounds(QueueConfig& queue, Reader& reader, bool bytes);
void read_queue_wait(std::chrono::milliseconds& wait, Reader& reader);
[[nodiscard]] std::string shown_queue_number(std::uint64_t number, bool bytes);
[[nodiscard]] std::string shown_queue_wait(std::chrono::milliseconds wait);
void read_refusals(QuotaConfig& quota, Reader& reader);
void read_budget(unsigned& amount, Reader& reader, unsigned most);

inline constexpr std::array queue_rows{
    MainSetting{.key = "retry.budget_percent",
                .env = "HEADROOM_RETRY_BUDGET_PERCENT",
                .unit = "number",
                .example = "10",
                .meaning =
                    "Retries after faults that a hundred requests earn, over all of them; when none are "
                    "left, the client gets the fault. Moves after a 429 are free",
                .read = [](Config& c, Reader& r) { read_budget(c.retry.budget_percent, r, 1000); },
                .show = [](const Config& c) { return shown_queue_number(c.retry.budget_percent, false); }},
    MainSetting{.key = "retry.budget_per_second",
                .env = "HEADROOM_RETRY_BUDGET_PER_SECOND",
                .unit = "number",
                .example = "3",
                .meaning = "Retries after faults that each second earns besides",
                .read = [](Config& c, Reader& r) { read_budget(c.retry.budget_per_second, r, 10'000); },
                .show = [](const Config& c) { return shown_queue_number(c.retry.budget_per_second, false); }},
    MainSetting{
        .key = "hedge.enabled",
        .env = "HEADROOM_HEDGE_ENABLED",
        .unit = "true or false",
        .example = "true",
        .meaning =
            "Start a second attempt on another backend while the first content of a stream is unusually "
            "late; the client gets whichever comes first. Both are charged",
        .read = [](Config& c, Reader& r) { r.yes_no(c.hedge.enabled); },
        .show = [](const Config& c) -> std::string { return c.hedge.enabled ? "true" : "false"; }},
    MainSetting{.key = "hedge.after_percentile",
                .env = "HEADROOM_HEDGE_AFTER_PERCENTILE",
                .unit = "number",
                .example = "95",
                .meaning =
                    "What is unusually late: later than so many of a hundred of that backend's answers "
                    "to prompts of that size",
                .read = [](Config& c, Reader& r) { r.number(c.hedge.after_percentile, 50, 99); },
                .show = [](const Config& c) { return shown_queue_number(c.hedge.after_percentile, false); }},
    MainSetting{.key = "hedge.spare_percent",
                .env = "HEADROOM_HEDGE_SPARE_PERCENT",
                .unit = "number",
                .example = "70",
                .meaning = "How much of the other backend's quota must be left when the second attempt is "
                           "counted, of a hundred; where no backend has that, there is none",
                .read = [](Config& c, Reader& r) { r.number(c.hedge.spare_percent, 0, 99); },
                .show = [](const Config& c) { return shown_queue_number(c.hedge.spare_percent, false); }},
    MainSetting{.key = "quota.refusals_per_1000",
                .env = "HEADROOM_QUOTA_REFUSALS_PER_1000",
                .unit = "number",
                .example = "10",
                .meaning =
                    "How many of 1,000 requests a backend may refuse for quota. Where it refuses more, "
                    "a growing part of its quota, up to a fifth, is left unused",
                .read = [](Config& c, Reader& r) { read_refusals(c.quota, r); },
                .show = [](const Config& c) { return shown_queue_number(c.quota.refusals_per_1000, false); }},
    MainSetting{.key = "queue.wait",
                .env = "HEADROOM_QUEUE_WAIT",
                .unit = "duration",
                .example = "5s",
                .meaning = "How long a request waits for quota at most when its client does not say how long "
                           "it would; 0 refuses at once",
                .read = [](Config& c, Reader& r) { read_queue_wait(c.queue.wait, r); },
                .show = [](const Config& c) { return shown_queue_wait(c.queue.wait); }},
    MainSetting{.key = "queue.wait_max",
                .env = "HEADROOM_QUEUE_WAIT_MAX",
                .unit = "duration",
                .example = "60s",
                .meaning =
                    "The same for clients that say it, with x-headroom-max-wait-ms or by their timeout, "
                    "half of which counts",
                .read = [](Config& c, Reader& r) { read_queue_wait(c.queue.wait_max, r); },
                .show = [](const Config& c) { return shown_queue_wait(c.queue.wait_max); }},
    MainSetting{.key = "queue.length_max",
                .env = "HEADROOM_QUEUE_LENGTH_MAX",
                .unit = "number",
                .example = "200",
                .meaning = "Requests that wait at once; 0 turns waiting off",
                .read = [](Config& c, Reader& r) { read_queue_bounds(c.queue, r, false); },
                .show = [](const Config& c) { return shown_queue_number(c.queue.length_max, false); }},
    MainSetting{.key = "queue.bytes_max",
                .env = "HEADROOM_QUEUE_BYTES_MAX",
                .unit = "size",
                .example = "32MiB",
                .meaning = "Memory of the bodies of requests that wait",
                .read = [](Config& c, Reader& r) { read_queue_bounds(c.queue, r, true); },
                .show = [](const Config& c) { return shown_queue_number(c.queue.bytes_max, true); }},
    MainSetting{.key = "queue.tenant_header",
                .env = "HEADROOM_QUEUE_TENANT_HEADER",
                .unit = "header or none",
                .example = "x-team",
                .meaning = "Header that names the tenant of a request; without it, or with none, requests of "
                           "one credential are one tenant. Name one that only trusted clients can set",
                .read = [](Config& c, Reader& r) { read_tenant_header(c.queue, r); },
                .show = [](const Config& c) { return shown_tenant_header(c.queue); }},
    MainSetting{.key = "queue.weights",
                .env = "HEADROOM_QUEUE_WEIGHTS",
                .unit = "tenant=number, several allowed",
                .example = "batch=1,search=4",
                .meaning = "Shares of tenants in what they wait for, by the header's value; others have 1",
                .list = true,
                .pairs = true,
                .read = [](Config& c, Reader& r) { read_tenant_weights(c.queue, r); },
                .show = [](const Config& c) { return shown_tenant_weights(c.queue); }},
};

} // namespace headroom::core
