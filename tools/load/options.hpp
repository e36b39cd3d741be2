// The command line of load: what to send, how fast, for how long, and what to expect.
// Promises: nothing here prints or exits; a mistake is an OptionError whose text says what to type instead.
#pragma once

#include "tools/load/answer_check.hpp"
#include "tools/load/clock.hpp"
#include "tools/load/schedule.hpp"

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::load {

class OptionError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Where to send: `http://host:port/path?query` in parts.
struct Target {
    bool tls = false;
    std::string host; ///< No brackets around an IPv6 address.
    std::uint16_t port = 80;
    std::string authority; ///< For the Host field.
    std::string path = "/";
};

/// Where the max_tokens of a trace's requests come from.
enum class MaxTokensBy : std::uint8_t { trace, given, number, none };

/// How a trace is replayed; used when `file` is not empty.
struct TraceOptions {
    std::string file;
    double time_scale = 1;    ///< Rows are due at their time / this.
    std::size_t rows_max = 0; ///< 0: all.
    unsigned part = 1;        ///< Of `parts`, from 1: rows are dealt to them in turn.
    unsigned parts = 1;
    MaxTokensBy max_tokens_by = MaxTokensBy::trace;
    std::int64_t max_tokens = 0;
    double load = 0;  ///< Offered charge as a share of `quota`; 0: as recorded.
    double quota = 0; ///< Tokens per minute.
    std::string model = "chat";
};

struct Options {
    Target target;
    std::string method;               ///< Empty: POST with a body, else GET.
    std::vector<std::string> headers; ///< "Name: value"
    std::string body;
    std::size_t generated_body_bytes = 0; ///< Not 0: a chat completion of exactly that size is made up.
    bool stream = false;                  ///< The made-up chat completion asks for a stream.

    TraceOptions trace;

    unsigned connections = 1; ///< With a trace: the most; fewer are opened as long as they do.
    unsigned threads = 1;
    double rate = 0; ///< Requests per second in all; 0: closed loop, each connection as fast as it can.
    Arrivals arrivals = Arrivals::even;
    std::uint64_t seed = 1;
    Nanoseconds ramp{0}; ///< Closed loop: connections begin at random times within it.
    Nanoseconds duration = std::chrono::seconds{10};
    Nanoseconds warmup = std::chrono::seconds{1};
    std::uint64_t requests = 0; ///< Not 0: that many, instead of a duration.
    Nanoseconds timeout = std::chrono::seconds{60};

    Expectation expectation;
    bool insecure = false;
    std::string ca_file;
    std::vector<pid_t> watched;
    bool json = false;
    bool quiet = false;
    bool allow_errors = false;
    bool help = false;
};

/// Reads the arguments after the program's name; throws OptionError.
[[nodiscard]] Options parse_options(std::span<const char* const> arguments);

/// Throws OptionError when it is no http or https URL.
[[nodiscard]] Target parse_target(std::string_view url);

/// "250ms", "10s", "10", "2m"; throws OptionError.
[[nodiscard]] Nanoseconds parse_duration(std::string_view text);

/// What `load --help` prints.
[[nodiscard]] std::string_view help_text() noexcept;

} // namespace headroom::load
