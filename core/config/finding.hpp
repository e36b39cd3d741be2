// What reading the configuration found out: mistakes (no start) and warnings (legal, but probably not meant).
// Shared by everything in core/config/, by check and by main.
// Promises: texts never contain a secret; the number kept is bounded, the rest is counted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::core {

struct Finding {
    enum class Kind : unsigned char { mistake, warning };

    Kind kind = Kind::mistake;
    std::string source; ///< "headroom.yaml:7:5", "BACKEND_1_URL", "--workers", or empty: the configuration as
                        ///< a whole.
    std::string text;   ///< What was found, what was expected, what to do; one line, no full stop.
};

/// "headroom.yaml:7:5: mistake: ..."; the form that editors can jump to.
[[nodiscard]] std::string to_string(const Finding& finding);

class Findings {
  public:
    void mistake(std::string_view source, std::string text) {
        add({Finding::Kind::mistake, std::string{source}, std::move(text)});
    }
    void warning(std::string_view source, std::string text) {
        add({Finding::Kind::warning, std::string{source}, std::move(text)});
    }

    /// Those of the file in the order of its lines, then the others as they were found.
    void sort_by_line(std::string_view file);

    /// Whether further findings are only counted, so that working out their words is a waste.
    [[nodiscard]] bool full() const noexcept;
    [[nodiscard]] const std::vector<Finding>& all() const noexcept { return kept_; }
    [[nodiscard]] std::size_t mistakes() const noexcept { return mistakes_; }
    /// How many were found beyond those kept (limits::config_findings_max).
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }

  private:
    void add(Finding finding);

    std::vector<Finding> kept_;
    std::size_t mistakes_ = 0;
    std::size_t dropped_ = 0;
};

} // namespace headroom::core
