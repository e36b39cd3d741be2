// Reads the command line; every value is checked here, once. Not here: the help text (help.cpp).
#include "bench/lab/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>

namespace headroom::lab {
namespace {

double number_in(std::string_view text, std::string_view name, double least, double most) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most))
        throw OptionError(
            fmt::format("{} needs a number from {} to {}, found '{}'", name, least, most, text));
    return value;
}

std::int64_t count_in(std::string_view text, std::string_view name, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        throw OptionError(
            fmt::format("{} needs a whole number from {} to {}, found '{}'", name, least, most, text));
    return value;
}

std::vector<std::string> parts_of(std::string_view text, std::string_view name) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        parts.emplace_back(text.substr(0, comma));
        if (parts.back().empty()) throw OptionError(fmt::format("{} needs values between its commas", name));
        if (std::ranges::count(parts, parts.back()) > 1)
            throw OptionError(fmt::format("{} has '{}' twice", name, parts.back()));
        if (comma == text.size()) return parts;
        text.remove_prefix(comma + 1);
    }
}

/// "50%", "50%..150%" (in steps of 10%), "50%,100%".
std::vector<double> loads_in(std::string_view text) {
    constexpr double step = 0.1;
    const auto one = [](std::string_view part) {
        if (part.ends_with('%')) part.remove_suffix(1);
        return number_in(part, "--load in percent", 1, 1000) / 100;
    };
    std::vector<double> loads;
    if (const std::size_t dots = text.find(".."); dots != text.npos) {
        const double first = one(text.substr(0, dots));
        const double last = one(text.substr(dots + 2));
        if (last < first) throw OptionError(fmt::format("--load {}: it must not end below its begin", text));
        const int steps = static_cast<int>(std::floor((last - first) / step + 1e-9));
        for (int i = 0; i <= steps; ++i)
            loads.push_back(first + i * step);
        return loads;
    }
    for (const std::string& part : parts_of(text, "--load"))
        loads.push_back(one(part));
    return loads;
}

void read_cap(std::string_view value, WorkloadOptions& workload) {
    if (value == "usual") {
        workload.cap = CapRule::usual;
    } else if (value == "none") {
        workload.cap = CapRule::none;
    } else {
        workload.cap = CapRule::fixed;
        workload.cap_tokens = count_in(value, "--cap usual|none|N", 1, 1'000'000);
    }
}

enum Command : unsigned { compare = 1, what_if = 2, live = 4, all = 7 };

/// One option with a value: which commands have it, and what it does.
struct ValueOption {
    std::string_view name;
    unsigned commands;
    void (*read)(std::string_view name, const std::string& value, Options& options);
};

struct Switch {
    std::string_view name;
    unsigned commands;
    bool Options::* into;
    bool to;
};

using Name = std::string_view;
using Value = const std::string&;

constexpr std::array value_options = {
    ValueOption{"--fleet", all, [](Name, Value value, Options& o) { o.fleet = value; }},
    ValueOption{"--trace", all, [](Name, Value value, Options& o) { o.trace = value; }},
    ValueOption{"--deployment", all, [](Name, Value value, Options& o) { o.deployment = value; }},
    ValueOption{"--load", all, [](Name, Value value, Options& o) { o.loads = loads_in(value); }},
    ValueOption{"--strategies", compare | what_if,
                [](Name name, Value value, Options& o) { o.strategies = parts_of(value, name); }},
    ValueOption{"--scale", all,
                [](Name name, Value value, Options& o) { o.scale = number_in(value, name, 1e-6, 1e6); }},
    ValueOption{"--minutes", all,
                [](Name name, Value value, Options& o) { o.minutes = number_in(value, name, 0.1, 1e6); }},
    ValueOption{"--seed", all,
                [](Name name, Value value, Options& o) {
                    o.seed = static_cast<std::uint64_t>(count_in(value, name, 0, 1'000'000'000'000'000));
                }},
    ValueOption{"--seeds", compare | what_if,
                [](Name name, Value value, Options& o) {
                    o.seeds = static_cast<unsigned>(count_in(value, name, 1, 10'000));
                }},
    ValueOption{"--requests", all,
                [](Name name, Value value, Options& o) {
                    o.requests = static_cast<std::size_t>(count_in(value, name, 1, 5'000'000));
                }},
    ValueOption{"--cap", all, [](Name, Value value, Options& o) { read_cap(value, o.workload); }},
    ValueOption{"--html", compare, [](Name, Value value, Options& o) { o.html = value; }},
    ValueOption{"--other", what_if, [](Name, Value value, Options& o) { o.others.push_back(value); }},
    ValueOption{"--region-ms", what_if,
                [](Name name, Value value, Options& o) { o.region_ms = number_in(value, name, 0, 10'000); }},
    ValueOption{"--ptu", what_if,
                [](Name name, Value value, Options& o) {
                    o.ptu_units = static_cast<int>(count_in(value, name, 1, 100'000));
                }},
    ValueOption{"--ptu-tpm", what_if,
                [](Name name, Value value, Options& o) { o.ptu_tpm = count_in(value, name, 1, 10'000'000); }},
    ValueOption{"--speed", live,
                [](Name name, Value value, Options& o) { o.speed = number_in(value, name, 1, 1000); }},
    ValueOption{"--programs", live, [](Name, Value value, Options& o) { o.programs = value; }},
};

constexpr std::array switches = {
    Switch{"--json", all, &Options::json, true},
    Switch{"--quiet", all, &Options::quiet, true},
    Switch{"-q", all, &Options::quiet, true},
    Switch{"--full", compare, &Options::full, true},
    Switch{"--no-bounds", compare, &Options::bounds, false},
    Switch{"--help", all, &Options::help, true},
    Switch{"-h", all, &Options::help, true},
};

unsigned command_of(std::string_view name) {
    return name == "compare" ? compare : name == "what-if" ? what_if : name == "live" ? live : 0;
}

void require(std::string_view option, unsigned commands, const std::string& command) {
    if ((commands & command_of(command)) == 0)
        throw OptionError(fmt::format("{} does not belong to {}; see headroom-lab help", option, command));
}

/// The option at `at`, and how many arguments it took.
std::size_t read_one(const std::vector<std::string>& arguments, std::size_t at, Options& options) {
    std::string_view name = arguments[at];
    if (const auto* found = std::ranges::find(switches, name, &Switch::name); found != switches.end()) {
        if (found->into != &Options::help) require(name, found->commands, options.command);
        options.*found->into = found->to;
        return 1;
    }
    const std::size_t equals = name.starts_with("--") ? name.find('=') : name.npos;
    name = name.substr(0, equals);
    const auto* found = std::ranges::find(value_options, name, &ValueOption::name);
    if (found == value_options.end())
        throw OptionError(fmt::format("there is no option '{}'; see headroom-lab help", name));
    require(name, found->commands, options.command);
    const bool apart = equals == name.npos;
    if (apart && at + 1 == arguments.size()) throw OptionError(fmt::format("{} needs a value", name));
    const std::string value = apart ? arguments[at + 1] : arguments[at].substr(equals + 1);
    if (value.empty()) throw OptionError(fmt::format("{} needs a value", name));
    found->read(name, value, options);
    return apart ? 2 : 1;
}

} // namespace

Options options_from(const std::vector<std::string>& arguments) {
    Options options;
    options.command = arguments.empty() ? "help" : arguments[0];
    if (options.command == "--help" || options.command == "-h") options.command = "help";
    constexpr std::array<std::string_view, 5> commands = {"compare", "what-if", "live", "strategies", "help"};
    if (std::ranges::find(commands, options.command) == commands.end())
        throw OptionError(
            fmt::format("there is no command '{}', only {}", options.command, fmt::join(commands, ", ")));
    for (std::size_t i = 1; i < arguments.size();)
        i += read_one(arguments, i, options);
    if (options.help || command_of(options.command) == 0) return options;
    if (options.fleet.empty() || options.trace.empty())
        throw OptionError(fmt::format("{} needs --fleet and --trace", options.command));
    if (!options.loads.empty() && options.scale > 0)
        throw OptionError("--load and --scale exclude each other");
    if (options.command != "compare" && options.loads.size() > 1)
        throw OptionError(fmt::format("--load: {} takes one", options.command));
    return options;
}

} // namespace headroom::lab
