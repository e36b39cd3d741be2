// The table of status and error code; codes are looked for as JSON members, which text inside a string cannot
// imitate.
#include "balance/classify.hpp"

#include "balance/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace headroom::balance {
namespace {

std::string_view skip_blanks(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == text.npos ? std::string_view() : text.substr(first);
}

/// True when some member "code" of the body has a value that `test` takes. A quote inside a JSON string is
/// always escaped, so what looks like a member is one.
template <class Test>
bool any_code(std::string_view body, Test test) noexcept {
    constexpr std::string_view key = "\"code\"";
    for (std::size_t at = body.find(key); at != body.npos; at = body.find(key, at + 1)) {
        if (at != 0 && body[at - 1] == '\\') continue;
        std::string_view rest = skip_blanks(body.substr(at + key.size()));
        if (!rest.starts_with(':')) continue;
        rest = skip_blanks(rest.substr(1));
        if (!rest.starts_with('"')) continue;
        const std::string_view value = rest.substr(1, rest.find('"', 1) - 1);
        if (test(value)) return true;
    }
    return false;
}

template <std::size_t Size>
bool code_is(std::string_view body, const std::array<std::string_view, Size>& codes) noexcept {
    return any_code(body, [&](std::string_view value) {
        return std::any_of(codes.begin(), codes.end(),
                           [&](std::string_view code) { return equal_nocase(value, code); });
    });
}

template <std::size_t Size>
bool mentions(std::string_view body, const std::array<std::string_view, Size>& texts) noexcept {
    return std::any_of(texts.begin(), texts.end(),
                       [&](std::string_view text) { return find_nocase(body, text) != body.npos; });
}

constexpr std::array<std::string_view, 6> missing_codes{"DeploymentNotFound", "DeploymentDeprecated",
                                                        "model_not_found",    "unknown_model",
                                                        "ModelNotFound",      "ModelDeprecated"};
// Objects that a client names in its body: that these are gone is true, and true everywhere.
constexpr std::array<std::string_view, 5> object_texts{"with id '", "with id \\\"", "no such ",
                                                       "previous_response", "previous response"};

// What a 400 says of an object that is not there; a value alone ("not found") may be about anything.
constexpr std::array<std::string_view, 5> absent_texts{"no such ", "previous response with id",
                                                       "could not be verified", "could not be decrypted",
                                                       "' not found"};

Verdict of_not_found(const Answer& answer, std::string_view body) noexcept {
    if (code_is(body, missing_codes)) return Verdict::deployment_missing;
    if (answer.names_object || mentions(body, object_texts)) return Verdict::pass_error;
    return Verdict::deployment_missing;
}

} // namespace

bool wants_body(int status) noexcept {
    return status == 400 || status == 404 || status == 410 || status == 429;
}

Verdict classify(const Answer& answer) noexcept {
    const std::string_view body = answer.body.substr(0, classify_body_bytes_max);
    switch (answer.status) {
        case 429: return Verdict::quota;
        case 408: return Verdict::transient_fault;
        case 401:
        case 403: return answer.own_credentials ? Verdict::auth_fault : Verdict::pass_error;
        case 404: return of_not_found(answer, body);
        case 400:
        case 410: return code_is(body, missing_codes) ? Verdict::deployment_missing : Verdict::pass_error;
        default: break;
    }
    if (answer.status >= 500) return Verdict::transient_fault;
    return answer.status >= 400 ? Verdict::pass_error : Verdict::pass;
}

bool lacks_object(int status, std::string_view body) noexcept {
    if (status == 404) return true;
    if (status != 400) return false;
    body = body.substr(0, classify_body_bytes_max);
    if (code_is(body, missing_codes)) return false;
    const auto absent = [](std::string_view code) {
        constexpr std::string_view end = "not_found";
        constexpr std::string_view joined = "notfound";
        const auto ends_so = [&](std::string_view how) {
            return code.size() >= how.size() && equal_nocase(code.substr(code.size() - how.size()), how);
        };
        return ends_so(end) || ends_so(joined) || equal_nocase(code, "invalid_encrypted_content");
    };
    return any_code(body, absent) || mentions(body, absent_texts);
}

std::string_view name_of(Verdict verdict) noexcept {
    static constexpr std::array<std::string_view, 6> names{
        "pass", "quota", "transient_fault", "auth_fault", "deployment_missing", "pass_error"};
    const auto index = static_cast<std::size_t>(verdict);
    return index < names.size() ? names[index] : "unknown";
}

} // namespace headroom::balance
