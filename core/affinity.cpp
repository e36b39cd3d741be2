// Which segments of a path are ids, which members of a body matter to which operation.
#include "core/affinity.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace headroom::core {
namespace {

using balance::IdMembers;
using balance::Operation;

// Segments that are no ids: names of collections and verbs of the Azure OpenAI and OpenAI APIs, sorted.
constexpr std::array<std::string_view, 47> words{
    "alpha",       "assistants",    "batches",      "cancel",       "chat",
    "checkpoints", "compact",       "complete",     "completions",  "containers",
    "content",     "conversations", "count_tokens", "edits",        "evals",
    "events",      "extensions",    "file_batches", "files",        "fine-tunes",
    "fine_tuning", "generations",   "graders",      "input_items",  "input_tokens",
    "items",       "jobs",          "messages",     "output_items", "parts",
    "pause",       "permissions",   "remix",        "responses",    "resume",
    "run",         "runs",          "search",       "steps",        "submit_tool_outputs",
    "threads",     "thumbnail",     "uploads",      "validate",     "vector_stores",
    "video",       "videos"};
static_assert(std::ranges::is_sorted(words));

constexpr std::size_t id_bytes_max = 256;

bool names_objects(const Route& route) noexcept {
    if (!route.names_object) return false;
    const std::string_view first = route.tail.substr(0, route.tail.find('/', 1));
    return route.operation != Operation::models && first != "/deployments" && first != "/extensions" &&
           first != "/moderations";
}

/// Members of a request's body that are ids; nullopt: its operation has none.
std::optional<IdMembers> named_members(const Route& route) noexcept {
    switch (route.operation) {
        case Operation::chat: return IdMembers::files;
        case Operation::responses: return IdMembers::files | IdMembers::responses;
        case Operation::files:
        case Operation::other: return IdMembers::files | IdMembers::responses | IdMembers::resources;
        default: return std::nullopt;
    }
}

} // namespace

std::size_t ids_in_path(const Route& route, std::span<std::string> out) {
    if (!names_objects(route)) return 0;
    std::size_t count = 0;
    std::string_view rest = route.tail;
    while (!rest.empty() && count < out.size()) {
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        rest.remove_prefix(end);
        if (segment.empty() || segment.size() > id_bytes_max || std::ranges::binary_search(words, segment))
            continue;
        out[count].clear();
        if (percent_decode(segment, out[count])) ++count;
    }
    return count;
}

void Affinity::read(const Route& route, const RequestBody* body, balance::PinTable& pins, balance::Time now) {
    std::array<std::string, path_ids_max> in_path;
    const std::size_t paths = ids_in_path(route, in_path);
    for (const std::string& id : std::span(in_path).first(paths))
        on_id(balance::id_hash(id, pins.seed()));
    path_count_ = count_;
    if (const auto members = named_members(route); body != nullptr && members) {
        balance::ObjectIdScan scan(*members, pins.seed());
        for (const net::Slice& piece : body->pieces())
            scan.feed(piece.view(), *this);
    }
    for (std::size_t i = 0; i < count_ && !pinned_; ++i)
        pinned_ = pins.find(ids_[i], now);
}

void Affinity::on_id(std::uint64_t id) noexcept {
    const auto known = std::span(ids_).first(count_);
    if (count_ == ids_max || std::ranges::find(known, id) != known.end()) return;
    ids_[count_++] = id;
}

void Affinity::found_at(std::uint32_t backend, bool deleted, balance::PinTable& pins,
                        balance::Time now) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (deleted && i + 1 == path_count_) {
            pins.forget(ids_[i]);
        } else {
            pins.put(ids_[i], backend, now);
        }
    }
}

void Affinity::forget(balance::PinTable& pins) noexcept {
    // of several it is not known which one is not there
    if (count_ == 1) pins.forget(ids_[0]);
}

std::optional<IdMembers> learned_members(const Route& route, bool stores) noexcept {
    const IdMembers all = IdMembers::files | IdMembers::responses | IdMembers::resources | IdMembers::own;
    switch (route.operation) {
        case Operation::chat: return stores ? std::optional(IdMembers::own) : std::nullopt;
        // encrypted content is bound to its backend also where nothing is stored
        case Operation::responses: return stores ? all : IdMembers::files | IdMembers::responses;
        case Operation::files:
        case Operation::other:
            // what is in a file is not about files
            return route.tail.ends_with("/content") ? std::nullopt : std::optional(all);
        default: return std::nullopt;
    }
}

} // namespace headroom::core
