// Keeping and printing findings.
#include "core/config/finding.hpp"

#include "core/config/text.hpp"
#include "core/limits.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace headroom::core {
namespace {

/// Line and column of "file:7:5"; what is not in the file comes after all that is, the file as a whole
/// before.
std::tuple<int, int> line_in(std::string_view file, std::string_view source) {
    constexpr int never = 1 << 30;
    if (file.empty() || !source.starts_with(file)) return {never, 0};
    source.remove_prefix(file.size());
    if (!source.starts_with(':')) return {source.empty() ? 0 : never, 0};
    int line = 0;
    int column = 0;
    const char* const end = source.data() + source.size();
    const auto after = std::from_chars(source.data() + 1, end, line).ptr;
    if (after != end) std::from_chars(after + 1, end, column);
    return {line, column};
}

} // namespace

std::string to_string(const Finding& finding) {
    const bool mistake = finding.kind == Finding::Kind::mistake;
    const std::string where = finding.source.empty() ? std::string{} : finding.source + ": ";
    return where + (mistake ? "mistake: " : "warning: ") + finding.text;
}

bool Findings::full() const noexcept {
    return kept_.size() >= limits::config_findings_max;
}

void Findings::sort_by_line(std::string_view file) {
    // Few enough for an insertion sort, which keeps the order of equals.
    for (auto next = kept_.begin(); next != kept_.end(); ++next) {
        const auto after =
            std::upper_bound(kept_.begin(), next, *next, [&](const Finding& a, const Finding& b) {
                return line_in(file, a.source) < line_in(file, b.source);
            });
        std::rotate(after, next, next + 1);
    }
}

void Findings::add(Finding finding) {
    if (finding.kind == Finding::Kind::mistake) ++mistakes_;
    // Names of files and variables and the words of the YAML library hold whatever the input holds.
    finding.source = without_controls(finding.source);
    finding.text = without_controls(finding.text);
    if (!full()) {
        kept_.push_back(std::move(finding));
    } else {
        ++dropped_;
    }
}

} // namespace headroom::core
