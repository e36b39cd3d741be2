// The one thing that is read of a multipart form (RFC 7578): its `model` field, which names the deployment of
// an upload. Not here: parsing forms; the body itself passes as it is.
#pragma once

#include "core/request_body.hpp"

#include <string>

namespace headroom::core {

/// The value of the form field `model`; empty when there is none among the bytes held, or it is longer than
/// 256 bytes.
[[nodiscard]] std::string multipart_model(const RequestBody& body);

} // namespace headroom::core
