// The command line and the file of mock_azure.
// Pure except for reading the file. Not here: the keys of a backend (backend_options.hpp).
#pragma once

#include "tools/mock_azure/backend_options.hpp"
#include "tools/mock_azure/fixed_answer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom::mock {

struct Options {
    std::vector<BackendOptions> backends;
    double time_scale = 1.0;
    int threads = 1;
    std::uint16_t admin_port = 0;
    std::int64_t kept_requests = 1'000;
    FixedOptions fixed;
    bool help = false;
};

struct OptionsOrError {
    Options options;
    std::optional<std::string> error; ///< what was wrong and what was expected
};

OptionsOrError read_options(const std::vector<std::string>& arguments);

/// Applies the members of a JSON object with the backend grammar; "name" and "backend" are skipped.
std::optional<std::string> apply_json(BackendOptions* options, const std::string& json_object);

std::string help_text();

} // namespace headroom::mock
