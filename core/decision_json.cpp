// Every field by its one line in balance/decision_fields.hpp.
#include "core/decision_json.hpp"

#include "balance/decision_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <iterator>
#include <type_traits>
#include <utility>

namespace headroom::core {
namespace {

using balance::BackendMask;
using balance::is_in;

void append_hex(std::string& out, std::uint64_t word) {
    fmt::format_to(std::back_inserter(out), R"("{:#x}")", word);
}

/// Appends `"name":value` with a comma where one is needed.
class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}

    template <class Field>
    void operator()(std::string_view name, const Field& field) {
        if (out_.back() != '{') out_ += ',';
        fmt::format_to(std::back_inserter(out_), R"("{}":)", name);
        using Plain = std::remove_cvref_t<Field>;
        if constexpr (std::same_as<Plain, double>) {
            append(field);
        } else if constexpr (std::same_as<Plain, bool>) {
            out_ += field ? "true" : "false";
        } else if constexpr (std::same_as<Plain, std::uint64_t>) {
            append_hex(out_, field);
        } else {
            const auto number = static_cast<std::int64_t>(balance::to_word(field));
            fmt::format_to(std::back_inserter(out_), "{}", number);
        }
    }

  private:
    // The shortest text that reads back as the same bits; what has none is told by its bits.
    void append(double value) {
        if (!std::isfinite(value)) return append_hex(out_, std::bit_cast<std::uint64_t>(value));
        std::string text = fmt::format("{}", value);
        if (text.find_first_of(".e") == std::string::npos) text += ".0";
        out_ += text;
    }

    std::string& out_;
};

bool read_hex(simdjson::dom::element from, std::uint64_t& word) {
    std::string_view text;
    if (from.get_string().get(text) != simdjson::SUCCESS || !text.starts_with("0x")) return false;
    const auto [end, failure] = std::from_chars(text.data() + 2, text.data() + text.size(), word, 16);
    return failure == std::errc() && end == text.data() + text.size();
}

/// Reads fields by name out of one object.
class Reader {
  public:
    explicit Reader(simdjson::dom::element object) : object_(object) {}

    template <class Field>
    void operator()(std::string_view name, Field& field) {
        simdjson::dom::element value;
        ok_ = ok_ && object_.at_key(name).get(value) == simdjson::SUCCESS && read(value, field);
    }
    [[nodiscard]] bool ok() const { return ok_; }

  private:
    static bool read(simdjson::dom::element value, double& field) {
        std::uint64_t word = 0;
        if (read_hex(value, word)) {
            field = std::bit_cast<double>(word);
            return true;
        }
        return value.get_double().get(field) == simdjson::SUCCESS;
    }
    static bool read(simdjson::dom::element value, bool& field) {
        return value.get_bool().get(field) == simdjson::SUCCESS;
    }
    static bool read(simdjson::dom::element value, std::uint64_t& field) { return read_hex(value, field); }
    template <class Field>
    static bool read(simdjson::dom::element value, Field& field) {
        std::int64_t number = 0;
        if (value.get_int64().get(number) != simdjson::SUCCESS) return false;
        balance::from_word(static_cast<std::uint64_t>(number), field);
        return static_cast<std::int64_t>(balance::to_word(field)) == number;
    }

    simdjson::dom::element object_;
    bool ok_ = true;
};

std::uint32_t group_of(const balance::FleetShape& shape, std::uint32_t backend) {
    std::uint32_t group = 0;
    while (group + 1 < shape.group_count && !is_in(shape.groups[group], backend))
        ++group;
    return group;
}

bool read_candidate(simdjson::dom::element from, RecordedDecision& into) {
    std::uint32_t backend = 0;
    std::uint32_t group = 0;
    double weight = 0;
    Reader reader(from);
    reader("backend", backend);
    reader("group", group);
    reader("weight", weight);
    if (!reader.ok() || backend >= balance::backends_max || group >= balance::backends_max) return false;
    into.shape.groups[group] |= BackendMask{1} << backend;
    into.shape.group_count = std::max(into.shape.group_count, group + 1);
    into.shape.relative_weight[backend] = weight;
    into.shape.inverse_weight[backend] = 1 / weight; // as the fleet reckons it
    balance::visit_look(into.input.look[backend], reader);
    if (is_in(into.input.opened, backend)) reader("opens", into.input.opens[backend]);
    if (is_in(into.decision.scored, backend)) reader("score", into.decision.score[backend]);
    return reader.ok();
}

} // namespace

void append_decision(std::string& out, const balance::FlightRecord& record,
                     const balance::FleetShape& shape) {
    Writer writer(out);
    out += R"({"input":{)";
    balance::visit_input(record.input, writer);
    out += R"(},"decision":{)";
    balance::visit_decision(record.decision, writer);
    out += R"(},"candidates":[)";
    bool any = false;
    for (std::uint32_t backend = 0; backend < balance::backends_max; ++backend) {
        if (!is_in(record.input.seen, backend)) continue;
        out += std::exchange(any, true) ? ",{" : "{";
        writer("backend", backend);
        writer("group", group_of(shape, backend));
        writer("weight", shape.relative_weight[backend]);
        balance::visit_look(record.input.look[backend], writer);
        if (is_in(record.input.opened, backend)) writer("opens", record.input.opens[backend]);
        if (is_in(record.decision.scored, backend)) writer("score", record.decision.score[backend]);
        out += '}';
    }
    out += "]}";
}

bool read_decision(simdjson::dom::element from, RecordedDecision& into) {
    simdjson::dom::element input;
    simdjson::dom::element decision;
    simdjson::dom::array candidates;
    if (from.at_key("input").get(input) != simdjson::SUCCESS ||
        from.at_key("decision").get(decision) != simdjson::SUCCESS ||
        from.at_key("candidates").get(candidates) != simdjson::SUCCESS) {
        return false;
    }
    Reader of_input(input);
    balance::visit_input(into.input, of_input);
    Reader of_decision(decision);
    balance::visit_decision(into.decision, of_decision);
    if (!of_input.ok() || !of_decision.ok()) return false;
    BackendMask told = 0;
    for (const simdjson::dom::element candidate : candidates) {
        if (!read_candidate(candidate, into)) return false;
        told |= BackendMask{1} << static_cast<std::uint64_t>(candidate["backend"].get_int64());
    }
    const BackendMask needed = into.input.seen | into.input.opened | into.decision.scored;
    return (needed & ~told) == 0;
}

} // namespace headroom::core
