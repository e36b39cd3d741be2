// multipart/form-data (RFC 7578) as far as uploads need it: names, file names, sizes, and the values of plain
// fields. Pure. A body that was kept only in part gives the parts that are in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

struct FormPart {
    std::string name;
    std::string filename; ///< empty for a plain field
    std::string_view content;
};

/// Empty when `content_type` is no multipart/form-data with a boundary or the body has no part. Views point
/// into `body`.
std::vector<FormPart> read_multipart(std::string_view content_type, std::string_view body);

/// The content of the field, empty when absent.
std::string_view form_value(const std::vector<FormPart>& parts, std::string_view name);
const FormPart* form_file(const std::vector<FormPart>& parts);

} // namespace headroom::mock
