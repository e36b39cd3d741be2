// From a request's method, target and credentials to an operation and a deployment, or to the error Azure
// answers with. Pure. Not here: bodies (ask.hpp).
#pragma once

#include "tools/mock_azure/ask.hpp"
#include "tools/mock_azure/backend_options.hpp"
#include "tools/mock_azure/problem.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace headroom::mock {

struct Route {
    Operation operation = Operation::unknown;
    std::string deployment;  ///< from a classic path; empty when the body names the model
    std::string api_version; ///< "v1" on v1 paths
    std::string id;          ///< of a stored object, with whatever follows it
    bool v1 = false;
};

struct RouteOrProblem {
    Route route;
    std::optional<Problem> problem;
};

/// `upgrade`: the request asks for a WebSocket.
RouteOrProblem find_route(const BackendOptions& options, std::string_view method, std::string_view target,
                          bool upgrade);

/// What the client offered to prove itself; empty when absent. `query_key` is api-key in the query, as
/// realtime allows.
struct Credentials {
    std::string_view api_key;
    std::string_view authorization;
    std::string_view query_key;
};

/// Nothing when they are good enough for this backend.
std::optional<Problem> check_credentials(const BackendOptions& options, const Credentials& credentials,
                                         bool v1);

/// A query parameter, percent-decoded; empty when absent.
std::string query_value(std::string_view target, std::string_view name);

/// The name Azure gives an operation in the words of a 429.
std::string_view operation_name(Operation operation);

} // namespace headroom::mock
