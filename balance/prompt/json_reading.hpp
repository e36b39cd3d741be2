// simdjson's On-Demand values as requests need them: visited in order, strings as views, errors remembered.
// Promises: no allocation; nothing is read twice; after the first error every visit ends, and `failed` says
// so. Not here: what the members mean.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace headroom::balance {

/// The walk through one document; string views live as long as the body and the scratch space.
class JsonReading {
  public:
    using Value = simdjson::ondemand::value;
    enum class Kind : std::uint8_t { object, array, string, number, other };

    /// `body` is what simdjson indexed; `scratch` takes the strings that need decoding, as many bytes as the
    /// body is always enough.
    JsonReading(std::string_view body, std::span<char> scratch) noexcept
        : body_end_(body.data() + body.size()), scratch_(scratch) {}

    [[nodiscard]] bool failed() const noexcept { return failed_; }

    [[nodiscard]] Kind kind(Value& value) noexcept;
    /// The inside of a string, escapes as they lie; empty for everything else.
    [[nodiscard]] std::string_view raw_string(Value& value) noexcept;
    /// A string decoded; empty for everything else. At most once per value.
    [[nodiscard]] std::string_view text(Value& value) noexcept;
    /// The JSON of a value, which is then used up.
    [[nodiscard]] std::string_view raw_json(Value& value) noexcept;

    /// Calls `visit(name, value)` for every member of an object, or for none.
    template <class Visit>
    void each_member(Value& value, Visit visit) noexcept {
        simdjson::ondemand::object object;
        if (kind(value) == Kind::object && good(value.get_object().get(object)))
            each_member_of(object, visit);
    }

    /// The same for an object that has been opened.
    template <class Visit>
    void each_member_of(simdjson::ondemand::object& object, Visit visit) noexcept {
        for (auto result : object) {
            simdjson::ondemand::field field;
            if (!good(std::move(result).get(field))) return;
            visit(name_of(field.key().raw()), field.value());
            if (failed_) return;
        }
    }

    /// Calls `visit(value)` for every element of an array, or for none.
    template <class Visit>
    void each_element(Value& value, Visit visit) noexcept {
        simdjson::ondemand::array array;
        if (kind(value) == Kind::array && good(value.get_array().get(array))) each_element_of(array, visit);
    }

    /// The same for an array that has been opened.
    template <class Visit>
    void each_element_of(simdjson::ondemand::array& array, Visit visit) noexcept {
        for (auto result : array) {
            Value element;
            if (!good(std::move(result).get(element))) return;
            visit(element);
            if (failed_) return;
        }
    }

    /// Opens an array and gives its JSON too, without using it up; empty when it is no array.
    [[nodiscard]] std::string_view open_array(Value& value, simdjson::ondemand::array& array) noexcept;

  private:
    bool good(simdjson::error_code error) noexcept {
        failed_ = failed_ || error != simdjson::SUCCESS;
        return !failed_;
    }
    [[nodiscard]] std::string_view name_of(const char* raw) noexcept;
    [[nodiscard]] std::string_view decoded(std::string_view raw) noexcept;

    const char* body_end_;
    std::span<char> scratch_;
    bool failed_ = false;
};

} // namespace headroom::balance
