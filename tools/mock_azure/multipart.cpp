// Splits a form at its boundary.
#include "tools/mock_azure/multipart.hpp"

namespace headroom::mock {

namespace {

/// The value of name="…" or name=… in a header line; `name` includes the equals sign.
std::string parameter(std::string_view line, std::string_view name) {
    for (std::size_t at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
        if (at > 0 && line[at - 1] != ' ' && line[at - 1] != ';') continue;
        std::string_view value = line.substr(at + name.size());
        if (value.starts_with('"')) return std::string(value.substr(1, value.substr(1).find('"')));
        return std::string(value.substr(0, value.find_first_of("; \r\n")));
    }
    return {};
}

} // namespace

std::vector<FormPart> read_multipart(std::string_view content_type, std::string_view body) {
    std::vector<FormPart> parts;
    const std::string boundary = parameter(content_type, "boundary=");
    if (!content_type.starts_with("multipart/form-data") || boundary.empty()) return parts;
    const std::string delimiter = "--" + boundary;
    std::size_t at = body.find(delimiter);
    while (at != std::string_view::npos) {
        const std::size_t head = at + delimiter.size() + 2;
        const std::size_t blank = body.find("\r\n\r\n", at);
        if (head > body.size() || body.substr(head - 2, 2) != "\r\n" || blank == std::string_view::npos)
            break;
        const std::size_t next = body.find("\r\n" + delimiter, blank + 2);
        const std::string_view fields = body.substr(head, blank - head);
        const std::size_t begin = blank + 4;
        const std::string_view content = next == std::string_view::npos
                                             ? body.substr(begin)
                                             : body.substr(begin, next < begin ? 0 : next - begin);
        parts.push_back({parameter(fields, "name="), parameter(fields, "filename="), content});
        at = next == std::string_view::npos ? next : next + 2;
    }
    return parts;
}

std::string_view form_value(const std::vector<FormPart>& parts, std::string_view name) {
    for (const FormPart& part : parts) {
        if (part.name == name && part.filename.empty()) return part.content;
    }
    return {};
}

const FormPart* form_file(const std::vector<FormPart>& parts) {
    for (const FormPart& part : parts) {
        if (!part.filename.empty()) return &part;
    }
    return nullptr;
}

} // namespace headroom::mock
