// One kind is a name and how its ids begin; what else objects say, no client of ours reads.
#include "tools/mock_azure/stored_objects.hpp"

#include "tools/mock_azure/answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace headroom::mock {

namespace json = boost::json;

namespace {

struct Kind {
    std::string_view name; ///< in paths
    std::string_view id;   ///< how ids begin
};

constexpr std::array collections{
    Kind{"threads", "thread_"},         Kind{"assistants", "asst_"},
    Kind{"vector_stores", "vs_"},       Kind{"conversations", "conv_"},
    Kind{"batches", "batch_"},          Kind{"containers", "cntr_"},
    Kind{"uploads", "upload_"},         Kind{"evals", "eval_"},
    Kind{"fine_tuning/jobs", "ftjob-"}, Kind{"chat/completions", "chatcmpl-"},
};

constexpr std::array parts{
    Kind{"messages", "msg_"}, Kind{"runs", "run_"},   Kind{"items", "msg_"},
    Kind{"files", "cfile_"},  Kind{"parts", "part_"},
};

const Kind* collection_of(std::string_view path) {
    const auto* found = std::ranges::find_if(collections, [&](const Kind& kind) {
        return path.starts_with(kind.name) &&
               (path.size() == kind.name.size() || path[kind.name.size()] == '/');
    });
    return found == collections.end() ? nullptr : found;
}

std::string_view first_segment(std::string_view* rest) {
    if (rest->starts_with('/')) rest->remove_prefix(1);
    const std::size_t end = std::min(rest->find('/'), rest->size());
    const std::string_view segment = rest->substr(0, end);
    rest->remove_prefix(end);
    return segment;
}

Problem no_such(std::string_view what, std::string_view id) {
    Problem problem = invalid_request(fmt::format("No {} found with id '{}'.", what, id), "", "");
    problem.status = 404;
    return problem;
}

std::string object_json(std::string_view id, const ObjectRequest& request, std::string_view more) {
    return fmt::format(R"({{"id":"{}","object":"mock.object","created_at":{}{}}})", id, request.now, more);
}

/// Makes an object below `kind` and returns its JSON; what it was made of is told again.
std::string make_object(ObjectStore& store, const Kind& kind, const ObjectRequest& request) {
    const std::string id = fmt::format("{}{:016x}{:08x}", kind.id, request.draw, request.now);
    std::string more;
    boost::system::error_code error;
    const json::value asked = json::parse(request.body.empty() ? "{}" : request.body, error);
    if (const json::object* members = error ? nullptr : asked.if_object()) {
        for (const auto& member : *members)
            more += fmt::format(",{}:{}", json_quoted(member.key()), json::serialize(member.value()));
    }
    std::string made = object_json(id, request, more);
    store.put(id, made);
    return made;
}

std::optional<Problem> answer_part(ObjectStore& store, const ObjectRequest& request, std::string_view name,
                                   std::string_view rest, std::string* body) {
    const auto* part = std::ranges::find(parts, name, &Kind::name);
    if (part == parts.end()) return resource_not_found();
    const std::string_view id = first_segment(&rest);
    if (id.empty() && request.method == "POST") {
        *body = make_object(store, *part, request);
    } else if (id.empty()) {
        *body = fmt::format(R"({{"object":"list","data":[{}],"has_more":false}})", store.list(part->id));
    } else if (const auto object = store.get(id)) {
        *body = *object;
        if (request.method == "DELETE") {
            store.erase(id);
            *body = fmt::format(R"({{"id":{},"deleted":true}})", json_quoted(id));
        }
    } else {
        return no_such(name, id);
    }
    return std::nullopt;
}

constexpr std::array<std::string_view, 11> reference_names{
    "file_id",       "file_ids",      "vector_store_ids", "container",
    "input_file_id", "training_file", "validation_file",  "assistant_id",
    "thread_id",     "conversation",  "encrypted_content"};

/// A look that spares most bodies a second reading.
bool may_refer(std::string_view body) {
    return body.find("item_reference") != body.npos ||
           std::ranges::any_of(reference_names, [&](auto name) { return body.find(name) != body.npos; });
}

using References = std::vector<std::pair<std::string, std::string>>;

void add_texts(const json::value& value, std::string_view name, References* out) {
    if (const json::string* text = value.if_string()) out->emplace_back(name, std::string(*text));
    if (const json::array* list = value.if_array()) {
        for (const json::value& one : *list)
            add_texts(one, name, out);
    }
}

void find_references(const json::value& value, References* out) {
    if (const json::array* list = value.if_array()) {
        for (const json::value& one : *list)
            find_references(one, out);
    }
    const json::object* object = value.if_object();
    if (object == nullptr) return;
    for (const auto& member : *object) {
        if (std::ranges::find(reference_names, std::string_view(member.key())) != reference_names.end())
            add_texts(member.value(), member.key(), out);
        if (member.key() == "conversation" && member.value().is_object()) {
            if (const json::value* id = member.value().get_object().if_contains("id"))
                add_texts(*id, "conversation", out);
        }
        find_references(member.value(), out);
    }
    const json::value* type = object->if_contains("type");
    const json::value* id = object->if_contains("id");
    if (type && id && *type == "item_reference") add_texts(*id, "item", out);
}

} // namespace

bool is_stored_kind(std::string_view path) {
    return collection_of(path) != nullptr;
}

std::optional<Problem> answer_object(ObjectStore& store, const ObjectRequest& request, std::string* body) {
    const Kind* kind = collection_of(request.path);
    if (kind == nullptr) return resource_not_found();
    if (auto problem = check_references(store, request.body)) return problem;
    std::string_view rest = request.path.substr(kind->name.size());
    const std::string id(first_segment(&rest));
    if (id.empty() || (id == "runs" && request.method == "POST")) {
        *body = request.method == "POST" ? make_object(store, *kind, request)
                                         : fmt::format(R"({{"object":"list","data":[{}],"has_more":false}})",
                                                       store.list(kind->id));
        return std::nullopt;
    }
    const auto object = store.get(id);
    if (!object) return no_such(kind->name, id);
    const std::string_view part = first_segment(&rest);
    if (!part.empty() && part != "cancel" && part != "complete")
        return answer_part(store, request, part, rest, body);
    *body = *object;
    if (request.method == "DELETE") {
        store.erase(id);
        *body = fmt::format(R"({{"id":{},"object":"mock.object.deleted","deleted":true}})", json_quoted(id));
    }
    return std::nullopt;
}

std::optional<Problem> check_references(const ObjectStore& store, std::string_view body) {
    if (!may_refer(body)) return std::nullopt;
    boost::system::error_code error;
    const json::value document = json::parse(body, error);
    if (error) return std::nullopt;
    References references;
    find_references(document, &references);
    for (const auto& [name, id] : references) {
        if (store.get(id)) continue;
        if (name == "encrypted_content") {
            return invalid_request(
                fmt::format("The encrypted content {}... could not be verified.", id.substr(0, 8)), "",
                "invalid_encrypted_content");
        }
        if (name.find("file") != name.npos)
            return invalid_request(fmt::format("No such File object: {}", id), name, "");
        return no_such(name, id);
    }
    return std::nullopt;
}

} // namespace headroom::mock
