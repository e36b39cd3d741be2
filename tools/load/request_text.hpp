// The one request that a run sends again and again, as the bytes on the wire.
#pragma once

#include "tools/load/options.hpp"

#include <string>
#include <string_view>

namespace headroom::load {

/// Head and body in one piece; throws OptionError when --body-bytes is too small for a chat completion.
[[nodiscard]] std::string request_text(const Options& options);

/// A request of this method and body with the fields that the options ask for; `fields` are whole lines to
/// add.
[[nodiscard]] std::string message_text(const Options& options, std::string_view method, std::string_view body,
                                       std::string_view fields = {});

/// A chat completion request of exactly `bytes` bytes: English words, max_tokens 100; throws OptionError
/// below its least size.
[[nodiscard]] std::string chat_body(std::size_t bytes, bool stream);

/// The method that will be sent: the one asked for, or POST with a body, or GET.
[[nodiscard]] std::string method_of(const Options& options);

} // namespace headroom::load
