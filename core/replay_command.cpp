// Reading /why documents and comparing.
#include "core/replay_command.hpp"

#include "balance/decision_fields.hpp"
#include "core/decision_json.hpp"
#include "core/input_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {
namespace {

/// The names of what differs; empty when nothing does.
std::string differences(const balance::Decision& recorded, const balance::Decision& again) {
    std::string names;
    std::vector<std::uint64_t> words;
    balance::visit_decision(recorded,
                            [&](std::string_view, auto field) { words.push_back(balance::to_word(field)); });
    std::size_t at = 0;
    balance::visit_decision(again, [&](std::string_view name, auto field) {
        if (balance::to_word(field) != words[at++]) names += fmt::format(" {}", name);
    });
    for (std::uint32_t i = 0; i < balance::backends_max; ++i) {
        if ((recorded.scored & again.scored & balance::BackendMask{1} << i) == 0) continue;
        if (balance::to_word(recorded.score[i]) != balance::to_word(again.score[i]))
            names += fmt::format(" score[{}]: {} for {}", i, again.score[i], recorded.score[i]);
    }
    return names;
}

class Replay {
  public:
    explicit Replay(std::ostream& out) : out_(out) {}

    /// One /why document; false when it is none.
    bool document(simdjson::dom::element why) {
        simdjson::dom::array requests;
        if (why.at_key("requests").get(requests) != simdjson::SUCCESS) return false;
        std::string_view id;
        if (why.at_key("id").get(id) != simdjson::SUCCESS) return false;
        for (const simdjson::dom::element request : requests) {
            simdjson::dom::array decisions;
            if (request.at_key("decisions").get(decisions) != simdjson::SUCCESS) return false;
            for (const simdjson::dom::element decision : decisions) {
                if (!one(id, decision)) return false;
            }
        }
        return true;
    }

    [[nodiscard]] int finish() {
        out_ << fmt::format("{} decision(s), {} not the same\n", count_, different_);
        return count_ == 0 ? 2 : different_ > 0 ? 1 : 0;
    }

  private:
    bool one(std::string_view id, simdjson::dom::element from) {
        simdjson::dom::element record;
        const auto recorded = std::make_unique<RecordedDecision>();
        if (from.at_key("record").get(record) != simdjson::SUCCESS || !read_decision(record, *recorded))
            return false;
        recorded->input.shape = &recorded->shape;
        balance::Decision again;
        balance::decide(recorded->input, again);
        const std::string names = differences(recorded->decision, again);
        ++count_;
        if (!names.empty()) ++different_;
        out_ << fmt::format("{} #{}: {}{}\n", id, count_,
                            names.empty() ? "the same, bit by bit: " : "NOT the same:",
                            names.empty() ? std::string(name_of(again.reason)) : names);
        return true;
    }

    std::ostream& out_;
    unsigned count_ = 0;
    unsigned different_ = 0;
};

} // namespace

int run_replay(const Options& options, std::istream& in, std::ostream& out, std::ostream& err) {
    const auto text = read_input("replay", options.file, in, err);
    if (!text) return 2;
    simdjson::dom::parser parser;
    simdjson::dom::document_stream documents;
    const simdjson::padded_string padded(*text);
    Replay replay(out);
    if (parser.parse_many(padded, std::max<std::size_t>(padded.size(), 1'000'000)).get(documents) ==
        simdjson::SUCCESS) {
        for (auto document : documents) {
            simdjson::dom::element why;
            if (document.get(why) == simdjson::SUCCESS && replay.document(why)) continue;
            err << "headroom replay: not what /why/<request-id> gives\n";
            return 2;
        }
    }
    return replay.finish();
}

} // namespace headroom::core
