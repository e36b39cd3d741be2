// Most pieces are whole events of which none is about usage: one search clears them. The others are read.
#include "balance/usage_event_filter.hpp"

#include "balance/byte_search.hpp"

#include <algorithm>
#include <memory>

namespace headroom::balance {
namespace {

enum Tag : unsigned { root = JsonSink::root_tag, choices, choice, usage, error };

constexpr std::string_view usage_name = "\"usage\"";

/// True when the quote at the beginning of `text` could open the name of a usage member that is not null.
bool opens_usage(std::string_view text) noexcept {
    std::size_t same = 0;
    while (same < usage_name.size() && same < text.size() && text[same] == usage_name[same])
        ++same;
    if (same == text.size()) return true;
    // A letter of the name may be written as an escape, for which only \u will do.
    if (same < usage_name.size()) return text.substr(same).starts_with("\\u");
    return !text.substr(same).starts_with(":n");
}

/// The first place in `text` where a usage member that is not null could begin; npos when there is none.
std::size_t find_usage(std::string_view text) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    for (const char* at = begin; (at = find_member(at, end, 'u', '\\')) != end; ++at) {
        const auto offset = static_cast<std::size_t>(at - begin);
        if (opens_usage(text.substr(offset))) return offset;
    }
    return text.npos;
}

/// How much of `text` is whole events for sure: up to behind its last empty line.
std::size_t whole_events(std::string_view text) noexcept {
    if (text.ends_with("\n\n") || text.ends_with("\n\r\n")) return text.size();
    std::size_t at = text.rfind("\n\n");
    if (at != text.npos) return at + 2;
    at = text.rfind("\n\r\n");
    return at == text.npos ? 0 : at + 3;
}

/// How much of a piece that begins between two events is whole events without usage.
std::size_t clear_prefix(std::string_view piece) noexcept {
    const std::size_t whole = whole_events(piece);
    const std::size_t found = find_usage(piece.substr(0, whole));
    return found == piece.npos ? whole : whole_events(piece.substr(0, found));
}

/// Comments, and empty lines behind the one that ended an event, belong to no event.
bool is_outside(EventLines::Part part, bool was_in_line) noexcept {
    return was_in_line || part == EventLines::Part::comment || part == EventLines::Part::end ||
           part == EventLines::Part::second_half;
}

} // namespace

class UsageEventFilter::Sink final : public JsonSink {
  public:
    explicit Sink(UsageEventFilter& owner) noexcept : owner_(owner) {}

    unsigned on_key(unsigned parent, std::string_view name) noexcept override {
        if (parent != root) return 0;
        if (name == "choices") return choices;
        if (name == "usage") return usage;
        return name == "error" ? unsigned{error} : 0;
    }

    // No member that matters is a scalar in a usage event, but an error may be null.
    void on_scalar(unsigned tag, const JsonScalar& scalar) noexcept override {
        if (tag != error || scalar.kind != JsonKind::null) owner_.cleared_ = true;
    }

    unsigned on_open(unsigned tag, JsonKind kind, std::uint64_t) noexcept override {
        const bool object = kind == JsonKind::object;
        if (tag == root && object) return root;
        if (tag == usage && object) {
            owner_.usage_ = true;
            return 0;
        }
        if (tag == choices && !object) {
            owner_.no_choices_ = true; // until a choice shows up
            return choice;
        }
        owner_.cleared_ = true;
        return 0;
    }
    void on_close(unsigned, JsonKind, std::uint64_t) noexcept override {}

  private:
    UsageEventFilter& owner_;
};

UsageEventFilter::Run UsageEventFilter::next(std::string_view piece) noexcept {
    // Searching again behind every event that the search did not clear would look at long pieces many times.
    if (doubtful_ == 0 && !begun_ && lines_.at_line_start()) {
        if (const std::size_t clear = clear_prefix(piece); clear != 0) return {Fate::pass, clear};
        doubtful_ = piece.size();
    }
    const Run run = read(piece);
    doubtful_ -= std::min(doubtful_, run.size);
    return run;
}

UsageEventFilter::Run UsageEventFilter::read(std::string_view piece) noexcept {
    std::size_t at = 0;
    while (at != piece.size()) {
        const EventLines before = lines_;
        const EventLines::Step step = lines_.next(piece.substr(at));
        if (!begun_ && is_outside(step.part, before.in_line())) {
            at += step.size;
            if (step.part == EventLines::Part::second_half && at == 1) return {last_, at};
            last_ = Fate::pass;
            continue;
        }
        if (!begun_ && at != 0) {
            // What comes before the event passes now; the event is another run.
            lines_ = before;
            return {Fate::pass, at};
        }
        if (!begun_) begin_event();
        judge(step.part, piece.substr(at, step.size));
        at += step.size;
        if (step.part == EventLines::Part::end) {
            begun_ = false;
            last_ = is_usage() ? Fate::hide : Fate::pass;
            return {last_, at};
        }
    }
    return {begun_ && !cleared_ ? Fate::hold : Fate::pass, at};
}

void UsageEventFilter::begin_event() noexcept {
    begun_ = true;
    cleared_ = has_data_ = no_choices_ = usage_ = false;
    bytes_ = 0;
    std::construct_at(&scan_);
}

void UsageEventFilter::judge(EventLines::Part part, std::string_view text) noexcept {
    bytes_ += text.size();
    cleared_ = cleared_ || bytes_ > event_bytes_max;
    if (cleared_) return;
    if (part == EventLines::Part::begin_data && has_data_) feed("\n");
    if (part == EventLines::Part::data) feed(text);
}

void UsageEventFilter::feed(std::string_view data) noexcept {
    has_data_ = true;
    Sink sink(*this);
    scan_.feed(data, sink);
    cleared_ = cleared_ || scan_.broken();
}

bool UsageEventFilter::is_usage() const noexcept {
    return !cleared_ && scan_.complete() && no_choices_ && usage_;
}

} // namespace headroom::balance
