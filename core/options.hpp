// The command line of headroom: what was asked for, and the help text.
// Promises: nothing here exits, prints or throws; main does the first two.
// Not here: whether a value makes sense; that is judged with all other settings by load_config
// (core/config/load.hpp).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

enum class Command : unsigned char { serve, check, tokens, replay, help, settings, version };

/// A flag that sets a setting, not yet judged: `--workers 4` is {"workers", "--workers", "4"}.
struct FlagValue {
    std::string_view key;  ///< Key of the setting, as in the configuration file; static text.
    std::string_view flag; ///< As the user knows it; static text.
    std::string text;
};

struct Options {
    Command command = Command::serve;
    std::string config_file; ///< Empty: HEADROOM_CONFIG, else no file.
    bool json = false;       ///< check --json, tokens --json
    std::string file;        ///< tokens FILE, replay FILE; "-" is standard input.
    std::string model;       ///< tokens --model; empty: as the body says.
    std::vector<FlagValue> flags;
};

/// Either options or the one line that says what is wrong with the command line.
struct Parsed {
    Options options;
    std::string error; ///< Empty when all is well; no line break at the end.

    [[nodiscard]] bool ok() const noexcept { return error.empty(); }
};

/// Reads the arguments after the program's name; `--flag value` and `--flag=value` are the same.
[[nodiscard]] Parsed parse_options(std::span<const char* const> arguments);

/// What `headroom --help` prints: usage, flags, examples, where to read on; ends in a line break.
[[nodiscard]] std::string help_text();

} // namespace headroom::core
