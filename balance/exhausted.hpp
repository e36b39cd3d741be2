// The bodies of our own errors, in the shape Azure OpenAI gives its errors, so that every SDK reads them.
// Not here: status lines and header fields (core writes those).
#pragma once

#include "balance/quantities.hpp"

#include <string>
#include <string_view>

namespace headroom::balance {

/// The body of a 429 when every backend refuses: Azure's own wording with the wait rounded up to whole
/// seconds (at least 1).
[[nodiscard]] std::string exhausted_body(Duration retry_after);

/// The body of any other error of ours: {"error":{"code":...,"message":...}}; both texts are escaped, an
/// empty code becomes the status number.
[[nodiscard]] std::string error_body(int status, std::string_view code, std::string_view message);

/// The SSE event that ends a stream whose backend died: "event: error" and a data line with an error_body
/// object.
[[nodiscard]] std::string error_event(int status, std::string_view code, std::string_view message);

/// The code we use for a status when there is nothing more specific ("ServiceUnavailable" for 503); empty for
/// others.
[[nodiscard]] std::string_view default_code(int status) noexcept;

} // namespace headroom::balance
