// /why: the records of one id, in the order in which they were made.
#include "core/why_page.hpp"

#include "balance/classify.hpp"
#include "core/access_record.hpp"
#include "core/candidate_fate.hpp"
#include "core/decision_json.hpp"
#include "core/report.hpp"
#include "net/result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

namespace headroom::core {
namespace {

using balance::FlightRecord;

double milliseconds(balance::Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string time_of(const PageBasis& basis, net::Time at) {
    std::string text;
    append_timestamp(text,
                     basis.wall_now - std::chrono::duration_cast<net::WallTime::duration>(basis.now - at));
    return text;
}

std::string_view name_of_backend(const PageBasis& basis, std::uint32_t backend) {
    return backend < basis.config.backends.size() ? std::string_view(basis.config.backends[backend].name)
                                                  : "?";
}

/// The one backend that a hedge is for.
std::uint32_t late_one(const FlightRecord& record) {
    return static_cast<std::uint32_t>(std::countr_zero(record.input.late));
}

std::string_view what_became(balance::HedgeEnd end) {
    using balance::HedgeEnd;
    switch (end) {
        case HedgeEnd::none: break;
        case HedgeEnd::won: return "it won, the client got its response";
        case HedgeEnd::lost: return "it lost, the first one had content before";
        case HedgeEnd::failed: return "it failed";
        case HedgeEnd::gone: return "both were cancelled";
        case HedgeEnd::scarce: return "not started, no other backend had quota to spare";
        case HedgeEnd::budget: return "not started, the retry budget was spent";
    }
    return "none";
}

/// One request of that id.
struct Story {
    std::size_t shard = 0;
    std::vector<FlightRecord> records;
};

std::vector<Story> stories_of(const PageBasis& basis, std::string_view id) {
    std::vector<Story> stories;
    for (std::size_t shard = 0; shard < basis.recorders.size(); ++shard) {
        const std::size_t first = stories.size();
        for (FlightRecord& record : basis.recorders[shard]->find(id)) {
            const auto same = [&](const Story& story) {
                return story.records.front().request == record.request;
            };
            auto story =
                std::find_if(stories.begin() + static_cast<std::ptrdiff_t>(first), stories.end(), same);
            if (story == stories.end()) story = stories.insert(story, Story{shard, {}});
            story->records.push_back(std::move(record));
        }
    }
    return stories;
}

class Json {
  public:
    explicit Json(const PageBasis& basis) : basis_(basis) {}

    std::string page(std::string_view id, const std::vector<Story>& stories) {
        out_ = fmt::format(R"({{"id":"{}","requests":[)", in_json(id));
        for (std::size_t i = 0; i < stories.size(); ++i) {
            if (i > 0) out_ += ',';
            put(R"({{"shard":{},"request":{},"decisions":[)", stories[i].shard,
                stories[i].records.front().request);
            each(stories[i], FlightRecord::Kind::decision, &Json::decision);
            out_ += R"(],"attempts":[)";
            each(stories[i], FlightRecord::Kind::attempt, &Json::attempt);
            out_ += R"(],"end":[)";
            each(stories[i], FlightRecord::Kind::end, &Json::end);
            out_ += "]}";
        }
        return out_ += "]}\n";
    }

  private:
    template <class... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
    }

    void each(const Story& story, FlightRecord::Kind kind, void (Json::*show)(const FlightRecord&)) {
        bool any = false;
        for (const FlightRecord& record : story.records) {
            if (record.kind != kind) continue;
            if (std::exchange(any, true)) out_ += ',';
            put(R"({{"time":"{}","after_attempts":{},)", time_of(basis_, record.at), record.attempt);
            (this->*show)(record);
            out_ += '}';
        }
    }

    void decision(const FlightRecord& record) {
        const balance::Decision& made = record.decision;
        put(R"("kind":"{}","reason":"{}","tokens":{},"prompt":{},)", kind_word(made.kind),
            balance::name_of(made.reason), record.input.cost.count(), record.input.prompt.count());
        if (made.kind != balance::Decision::Kind::refuse)
            put(R"("backend":"{}",)", in_json(name_of_backend(basis_, made.backend)));
        if (made.kind != balance::Decision::Kind::send)
            put(R"("retry_after_ms":{:.3f},)", milliseconds(made.retry_after));
        if (record.input.late != 0)
            put(R"("hedge_of":"{}","silent_ms":{:.3f},"used_max":{:.2f},)",
                in_json(name_of_backend(basis_, late_one(record))), milliseconds(record.input.silent),
                record.input.used_max);
        out_ += R"("candidates":[)";
        bool any = false;
        for (std::uint32_t i = 0; i < basis_.config.backends.size(); ++i) {
            if (!balance::is_in(record.input.candidates, i)) continue;
            if (std::exchange(any, true)) out_ += ',';
            candidate(record, i);
        }
        out_ += R"(],"record":)";
        append_decision(out_, record, basis_.fleet.shape());
    }

    void candidate(const FlightRecord& record, std::uint32_t i) {
        put(R"({{"backend":"{}","priority":{},)", in_json(name_of_backend(basis_, i)),
            basis_.config.backends[i].priority);
        if (balance::is_in(record.input.seen, i)) {
            const balance::Outlook& look = record.input.look[i];
            put(R"("state":"{}","fits":{},"used":{:.4f},"share":{:.3f},"recovery_ms":{:.0f},)",
                state_word(look.state), look.fits, look.used, look.share, milliseconds(look.recovery));
        }
        if (balance::is_in(record.decision.scored, i)) put(R"("score":{:.4f},)", record.decision.score[i]);
        if (balance::is_in(record.input.opened, i))
            put(R"("opens_ms":{:.0f},)", milliseconds(record.input.opens[i]));
        put(R"("fate":"{}"}})", fate_of(record, i));
    }

    void attempt(const FlightRecord& record) {
        const balance::AttemptEnd& end = record.attempt_end;
        put(R"("backend":"{}","status":{},"verdict":"{}","error":"{}","taken":{},"hedge":{},"overtaken":{})",
            in_json(name_of_backend(basis_, end.backend)), end.status,
            balance::name_of(static_cast<balance::Verdict>(end.verdict)),
            net::name_of(static_cast<net::ErrorCode>(end.error)), end.taken, end.hedge, end.overtaken);
    }

    void end(const FlightRecord& record) {
        const balance::RequestEnd& end = record.request_end;
        put(R"("status":{},"outcome":"{}","attempts":{},"duration_ms":{:.3f},"estimated_tokens":{},)",
            end.status, name_of(static_cast<Outcome>(end.outcome)), end.attempts, milliseconds(end.lasted),
            end.estimated.count());
        put(R"("metered":{},"prompt_tokens":{},"completion_tokens":{},"hedge":"{}")", end.metered,
            end.prompt.count(), end.completion.count(), balance::name_of(end.hedge));
    }

    const PageBasis& basis_;
    std::string out_;
};

class Text {
  public:
    explicit Text(const PageBasis& basis) : basis_(basis) {}

    std::string page(std::string_view id, const std::vector<Story>& stories) {
        put("Request {}\n", id);
        for (const Story& story : stories) {
            put("\nrequest {} of shard {}\n", story.records.front().request, story.shard);
            for (const FlightRecord& record : story.records) {
                put("\n{}  ", time_of(basis_, record.at));
                switch (record.kind) {
                    case FlightRecord::Kind::decision: decision(record); break;
                    case FlightRecord::Kind::attempt: attempt(record.attempt_end); break;
                    case FlightRecord::Kind::end: end(record.request_end); break;
                }
            }
        }
        return std::move(out_);
    }

  private:
    template <class... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
    }

    void decision(const FlightRecord& record) {
        const balance::Decision& made = record.decision;
        put("{}", kind_word(made.kind));
        if (made.kind != balance::Decision::Kind::refuse)
            put(" {} {}", made.kind == balance::Decision::Kind::send ? "to" : "for",
                name_of_backend(basis_, made.backend));
        put(" ({}); costs {} tokens, {} of them prompt", balance::name_of(made.reason),
            record.input.cost.count(), record.input.prompt.count());
        if (made.kind != balance::Decision::Kind::send)
            put("; {:.1f} s", milliseconds(made.retry_after) / 1000);
        if (record.input.late != 0)
            put("; a second attempt, because {} had been late with its first content for {:.0f} ms",
                name_of_backend(basis_, late_one(record)), milliseconds(record.input.silent));
        put("\n  {:<20} {:>8} {:>8} {:>8} {:>7}  {}\n", "backend", "priority", "state", "used", "score", "");
        for (std::uint32_t i = 0; i < basis_.config.backends.size(); ++i) {
            if (!balance::is_in(record.input.candidates, i)) continue;
            const bool seen = balance::is_in(record.input.seen, i);
            const bool scored = balance::is_in(record.decision.scored, i);
            put("  {:<20} {:>8} {:>8} {:>8} {:>7}  {}\n", name_of_backend(basis_, i),
                basis_.config.backends[i].priority, seen ? state_word(record.input.look[i].state) : "",
                seen ? fmt::format("{:.1f} %", record.input.look[i].used * 100) : "",
                scored ? fmt::format("{:.3f}", record.decision.score[i]) : "", fate_of(record, i));
        }
    }

    void attempt(const balance::AttemptEnd& end) {
        put("{} ", name_of_backend(basis_, end.backend));
        if (end.hedge) put("(hedge) ");
        if (end.overtaken) {
            put("was given up: the other one had content first\n");
            return;
        }
        if (end.status == 0) {
            put("gave no response: {}\n", net::name_of(static_cast<net::ErrorCode>(end.error)));
            return;
        }
        put("answered {}: {}\n", end.status,
            end.taken ? "given to the client" : balance::name_of(static_cast<balance::Verdict>(end.verdict)));
    }

    void end(const balance::RequestEnd& end) {
        put("{} after {} attempt(s) and {:.0f} ms: the client got {}; {} tokens estimated, ",
            name_of(static_cast<Outcome>(end.outcome)), end.attempts, milliseconds(end.lasted), end.status,
            end.estimated.count());
        put("{} {} + {}\n", end.metered ? "usage" : "no usage told, counted", end.prompt.count(),
            end.completion.count());
        if (end.hedge != balance::HedgeEnd::none) put("hedge: {}\n", what_became(end.hedge));
    }

    const PageBasis& basis_;
    std::string out_;
};

} // namespace

std::optional<std::string> why_json(const PageBasis& basis, std::string_view id) {
    const std::vector<Story> stories = stories_of(basis, id);
    if (stories.empty()) return std::nullopt;
    return Json(basis).page(id, stories);
}

std::optional<std::string> why_text(const PageBasis& basis, std::string_view id) {
    const std::vector<Story> stories = stories_of(basis, id);
    if (stories.empty()) return std::nullopt;
    return Text(basis).page(id, stories);
}

std::string reach_text(const PageBasis& basis) {
    // a request of the shard that forgets soonest may be gone although an older one of another is not
    std::optional<net::Time> reach;
    for (const balance::FlightRecorder* recorder : basis.recorders) {
        if (const auto oldest = recorder->oldest()) reach = std::max(reach.value_or(*oldest), *oldest);
    }
    if (!reach) return "Nothing is recorded yet.";
    return fmt::format("The records reach back to {}, {:.0f} s.", time_of(basis, *reach),
                       milliseconds(basis.now - *reach) / 1000);
}

} // namespace headroom::core
