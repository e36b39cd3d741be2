// What the service stores besides files and responses: threads, assistants, vector stores, conversations,
// batches and the like, all alike: made by POST, read by GET, gone after DELETE, with parts below them.
// Pure but for the store. Not here: files and responses (exchange_answers.cpp).
#pragma once

#include "tools/mock_azure/object_store.hpp"
#include "tools/mock_azure/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::mock {

/// True when a path below the API's prefix ("threads/thread_1/messages") is about such objects.
bool is_stored_kind(std::string_view path);

struct ObjectRequest {
    std::string_view method;
    std::string_view path;  ///< below the API's prefix
    std::string_view body;  ///< JSON or empty
    std::uint64_t draw = 0; ///< random; new ids are made of it
    std::int64_t now = 0;   ///< seconds since 1970
};

/// The answer's body into `*body`, or why there is none.
std::optional<Problem> answer_object(ObjectStore& store, const ObjectRequest& request, std::string* body);

/// What a body refers to and this backend does not have; nothing when it has all of it, or it is no JSON.
std::optional<Problem> check_references(const ObjectStore& store, std::string_view body);

} // namespace headroom::mock
