// Deployment names and their map, as text; the mapping of the file is read in core/config/from_file.cpp.
#pragma once

#include "core/config/draft.hpp"
#include "core/config/reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// Printable ASCII without blanks, '=' or ','; it goes into a path and into JSON.
[[nodiscard]] bool is_deployment_name(std::string_view text) noexcept;

/// Stores the text, or says what was expected.
void read_deployment_name(std::string& target, Reader& reader);

/// "client=upstream", or "name" for one that is only listed; items may hold several, separated by commas.
void read_deployments(BackendDraft& draft, Reader& reader);
/// "chat=gpt-4o,embedding=text-embedding-3-large": which model a deployment serves.
void read_models(std::vector<ModelConfig>& models, Reader& reader);
/// As read_models() accepts it; "learnt" when empty.
[[nodiscard]] std::string shown_models(const std::vector<ModelConfig>& models);

/// As read_deployments() accepts it, sorted by the client's name; "none" when empty.
[[nodiscard]] std::string shown_deployments(const std::vector<DeploymentConfig>& deployments);

} // namespace headroom::core
