// Keeping and printing findings.
#include "core/config/finding.hpp"

#include "core/limits.hpp"

namespace headroom::core {

std::string to_string(const Finding& finding) {
    const bool mistake = finding.kind == Finding::Kind::mistake;
    const std::string where = finding.source.empty() ? std::string{} : finding.source + ": ";
    return where + (mistake ? "mistake: " : "warning: ") + finding.text;
}

void Findings::add(Finding finding) {
    if (finding.kind == Finding::Kind::mistake) ++mistakes_;
    if (kept_.size() < limits::config_findings_max) {
        kept_.push_back(std::move(finding));
    } else {
        ++dropped_;
    }
}

} // namespace headroom::core
