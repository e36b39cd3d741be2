// Reads the command line; every value is checked here, once.
#include "bench/lab/options.hpp"

#include <fmt/format.h>

#include <charconv>

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

std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        parts.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
}

/// "50%", "50%..150%" (in steps of 10%), "50%,100%".
std::vector<double> loads_in(std::string_view text) {
    const auto one = [](std::string_view part) {
        if (part.ends_with('%')) part.remove_suffix(1);
        return number_in(part, "--load", 1, 1000) / 100;
    };
    if (const std::size_t dots = text.find(".."); dots != text.npos) {
        std::vector<double> loads;
        const double last = one(text.substr(dots + 2));
        for (double load = one(text.substr(0, dots)); load <= last + 1e-9; load += 0.1)
            loads.push_back(load);
        return loads;
    }
    std::vector<double> loads;
    for (const std::string& part : parts_of(text))
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
        workload.cap_tokens = static_cast<std::int64_t>(number_in(value, "--cap", 1, 1e6));
    }
}

void read_option(std::string_view name, const std::string& value, Options& options) {
    if (name == "--fleet") {
        options.fleet = value;
    } else if (name == "--trace") {
        options.trace = value;
    } else if (name == "--load") {
        options.loads = loads_in(value);
    } else if (name == "--strategies") {
        options.strategies = parts_of(value);
    } else if (name == "--scale") {
        options.scale = number_in(value, name, 1e-6, 1e6);
    } else if (name == "--minutes") {
        options.minutes = number_in(value, name, 0.1, 1e5);
    } else if (name == "--seed") {
        options.seed = static_cast<std::uint64_t>(number_in(value, name, 0, 1e15));
    } else if (name == "--seeds") {
        options.seeds = static_cast<unsigned>(number_in(value, name, 1, 10'000));
    } else if (name == "--requests") {
        options.requests = static_cast<std::size_t>(number_in(value, name, 1, 1e8));
    } else if (name == "--cap") {
        read_cap(value, options.workload);
    } else if (name == "--ptu") {
        options.ptu_units = static_cast<int>(number_in(value, name, 1, 1e5));
    } else if (name == "--ptu-tpm") {
        options.ptu_tpm = static_cast<std::int64_t>(number_in(value, name, 1, 1e7));
    } else if (name == "--speed") {
        options.speed = number_in(value, name, 1, 1000);
    } else if (name == "--programs") {
        options.programs = value;
    } else if (name == "--html") {
        options.html = value;
    } else {
        throw OptionError(fmt::format("does not know '{}'; see headroom-lab help", name));
    }
}

} // namespace

Options options_from(const std::vector<std::string>& arguments) {
    Options options;
    options.command = arguments.empty() ? "help" : arguments[0];
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        if (name == "--json") {
            options.json = true;
        } else if (name == "--no-bounds") {
            options.bounds = false;
        } else if (i + 1 < arguments.size()) {
            read_option(name, arguments[++i], options);
        } else {
            throw OptionError(fmt::format("{} needs a value, or is not known", name));
        }
    }
    const bool runs =
        options.command == "compare" || options.command == "what-if" || options.command == "live";
    if (runs && (options.fleet.empty() || options.trace.empty()))
        throw OptionError(fmt::format("{} needs --fleet and --trace", options.command));
    if (!options.loads.empty() && options.scale > 0)
        throw OptionError("--load and --scale exclude each other");
    return options;
}

std::string_view help_text() noexcept {
    return R"(headroom-lab: what would have happened with another way of choosing backends, in simulated time.

  headroom-lab compare --fleet FILE --trace FILE|poisson|bursts|agents [options]
  headroom-lab what-if --fleet FILE --trace ... [options]
                                   other quotas, one backend less, a provisioned one more, and the best plan for the same
                                   total, with the Azure CLI commands for it; --strategies names one (mirror)
  headroom-lab live --fleet FILE --trace ... [options]
                                   the same with headroom, mock_azure and load in scaled time, beside the simulation
  headroom-lab strategies          the strategies and where they come from

  --fleet FILE        the backends, as docs/lab.md describes them; examples in docs/examples/lab
  --trace FILE        Azure's CSV, Mooncake's JSON lines, time,prompt_tokens,completion_tokens[,max_tokens,tenant,prefix],
                      or Headroom's JSON access log; or a made-up workload
  --load 50%,100%     stretches the trace to these parts of all quotas; 50%..150% goes in steps of 10%
  --scale F           stretches its times by F instead
  --minutes N         only what comes within the first N minutes, after stretching
  --requests N        of a made-up workload (3000)
  --cap usual|none|N  max_tokens where the trace has none: the next power of two above the answer, none, or N
  --strategies a,b    only these
  --seed S --seeds N  the first seed and how many (1, 1); intervals are 95 % over seeds
  --no-bounds         without the upper bounds, which take seconds for long traces
  --json              all figures as JSON instead of tables
  --ptu N --ptu-tpm M what-if: units of the provisioned backend (15) and input tokens per minute of one (3000)
  --speed K           live: how many times faster than real time (20)
  --programs FOLDER   live: where the programs are (beside headroom-lab)
  --html FILE         also a report for a browser
)";
}

} // namespace headroom::lab
