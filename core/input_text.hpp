// The input of a command that reads one file or standard input.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::core {

/// All of `file`, or of `in` when it is "-"; at most 64 MiB. Nothing when that cannot be had: `err` says why,
/// in the name of `command`.
[[nodiscard]] std::optional<std::string> read_input(std::string_view command, const std::string& file,
                                                    std::istream& in, std::ostream& err);

} // namespace headroom::core
