// The page's parts are files of report/ and the chart library's, embedded by the assembler; this puts them
// together.
#include "bench/lab/html_report.hpp"

#include <array>
#include <utility>

__asm__(
    ".pushsection .rodata.headroom_lab_report, \"a\", @progbits\n"
    "headroom_lab_page:\n.incbin \"page.html\"\n"
    "headroom_lab_style:\n.incbin \"page.css\"\n"
    "headroom_lab_script:\n.incbin \"page.js\"\n"
    "headroom_lab_chart_style:\n.incbin \"uPlot.min.css\"\n"
    "headroom_lab_chart_script:\n.incbin \"uPlot.iife.min.js\"\n"
    "headroom_lab_report_end:\n"
    ".popsection\n");

extern "C" {
// NOLINTBEGIN(readability-identifier-naming)
extern const char headroom_lab_page[];
extern const char headroom_lab_style[];
extern const char headroom_lab_script[];
extern const char headroom_lab_chart_style[];
extern const char headroom_lab_chart_script[];
extern const char headroom_lab_report_end[];
// NOLINTEND(readability-identifier-naming)
}

namespace headroom::lab {
namespace {

std::string_view part(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

} // namespace

std::string html_of(std::string_view json) {
    const std::array<std::pair<std::string_view, std::string_view>, 5> parts = {{
        {"@chart_style@", part(headroom_lab_chart_style, headroom_lab_chart_script)},
        {"@style@", part(headroom_lab_style, headroom_lab_script)},
        {"@chart_script@", part(headroom_lab_chart_script, headroom_lab_report_end)},
        {"@data@", json},
        {"@script@", part(headroom_lab_script, headroom_lab_chart_style)},
    }};
    std::string page;
    std::string_view rest = part(headroom_lab_page, headroom_lab_style);
    for (const auto& [mark, text] : parts) {
        const std::size_t at = rest.find(mark);
        page += rest.substr(0, at);
        page += text;
        rest.remove_prefix(at + mark.size());
    }
    return page += rest;
}

} // namespace headroom::lab
