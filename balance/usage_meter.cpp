// The search for a name runs over whole pieces; only what follows a candidate is looked at byte by byte.
#include "balance/usage_meter.hpp"

#include "balance/byte_search.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

namespace headroom::balance {
namespace {

constexpr std::string_view usage_name = "\"usage\"";
constexpr std::string_view model_name = "\"model\"";
static_assert(usage_name.size() == model_name.size());

constexpr double count_max = 0x1p40;

enum Tag : unsigned {
    root = JsonSink::root_tag,
    prompt,
    completion,
    total,
    cached,
    reasoning,
    prompt_details,
    completion_details
};

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

unsigned root_member(std::string_view name) noexcept {
    if (name == "prompt_tokens" || name == "input_tokens") return prompt;
    if (name == "completion_tokens" || name == "output_tokens") return completion;
    if (name == "total_tokens") return total;
    if (name == "prompt_tokens_details" || name == "input_tokens_details") return prompt_details;
    if (name == "completion_tokens_details" || name == "output_tokens_details") return completion_details;
    return 0;
}

Tokens tokens_of(const JsonScalar& scalar) noexcept {
    double value = 0;
    std::from_chars(scalar.text.data(), scalar.text.data() + scalar.text.size(), value);
    return Tokens(static_cast<std::int64_t>(std::clamp(value, 0.0, count_max)));
}

} // namespace

class UsageMeter::Sink final : public JsonSink {
  public:
    explicit Sink(UsageMeter& owner) noexcept : owner_(owner) {}

    unsigned on_key(unsigned parent, std::string_view name) noexcept override {
        if (parent == root) return root_member(name);
        if (parent == prompt_details && name == "cached_tokens") return cached;
        if (parent == completion_details && name == "reasoning_tokens") return reasoning;
        return 0;
    }

    void on_scalar(unsigned tag, const JsonScalar& scalar) noexcept override {
        if (scalar.kind != JsonKind::number) return;
        Usage& usage = owner_.candidate_;
        switch (tag) {
            case prompt: usage.prompt = tokens_of(scalar); break;
            case completion: usage.completion = tokens_of(scalar); return;
            case total: usage.total = tokens_of(scalar); break;
            case cached: usage.cached = tokens_of(scalar); return;
            case reasoning: usage.reasoning = tokens_of(scalar); return;
            default: return;
        }
        owner_.plausible_ = true;
    }

    unsigned on_open(unsigned tag, JsonKind kind, std::uint64_t) noexcept override {
        return kind == JsonKind::object ? tag : 0;
    }
    void on_close(unsigned, JsonKind, std::uint64_t) noexcept override {}

  private:
    UsageMeter& owner_;
};

void UsageMeter::feed(std::string_view piece) noexcept {
    if (piece.empty()) return;
    bytes_ += piece.size();
    const char* at = piece.data();
    const char* const end = at + piece.size();
    if (kind_ == Kind::sse) lines_ += count_bytes(at, end, '\n');
    while (at != end) {
        if (state_ == State::search) {
            at = search(at, end);
        } else if (state_ == State::object) {
            at = object(at, end);
        } else {
            take(*at++);
        }
        if (at != piece.data()) before_ = at[-1];
    }
}

/// Moves to behind the quote of the next candidate, or to the end.
const char* UsageMeter::search(const char* at, const char* end) noexcept {
    const char second = model_known_ ? usage_name[1] : model_name[1];
    const char* found = find_member(at, end, usage_name[1], second);
    // The last byte may be a candidate whose letter comes with the next piece.
    if (found == end && end[-1] == '"') found = end - 1;
    if (found == end) return end;
    const char before = found == at ? before_ : found[-1];
    if (before == '\\') return found + 1;
    state_ = State::name;
    matched_ = 1;
    // Most candidates are other names ("user", "messages"); whole ones need no matching byte by byte.
    if (static_cast<std::size_t>(end - found) < usage_name.size()) return found + 1;
    const std::string_view name(found, usage_name.size());
    is_usage_ = name == usage_name;
    state_ = is_usage_ || (name == model_name && !model_known_) ? State::colon : State::search;
    if (state_ == State::colon) return found + usage_name.size();
    return found + 1;
}

void UsageMeter::take(char c) noexcept {
    switch (state_) {
        case State::name:
            if (matched_ == 1) is_usage_ = c == usage_name[1];
            if (c == (is_usage_ ? usage_name : model_name)[matched_] && (is_usage_ || !model_known_)) {
                if (++matched_ == usage_name.size()) state_ = State::colon;
                return;
            }
            break;
        case State::colon:
            if (c == ':') state_ = State::value;
            if (c == ':' || is_blank(c)) return;
            break;
        case State::value:
            if (is_blank(c)) return;
            if (is_usage_ && c == '{') {
                std::construct_at(&scan_);
                candidate_ = {};
                plausible_ = false;
                state_ = State::object;
                Sink sink(*this);
                scan_.feed_value({&c, 1}, sink);
                return;
            }
            if (!is_usage_ && c == '"') {
                state_ = State::model;
                model_size_ = 0;
                return;
            }
            break;
        case State::model:
            model_known_ = c == '"' && model_size_ != 0;
            if (c == '"' || c == '\\' || model_size_ == model_bytes_max) {
                state_ = State::search;
            } else {
                model_[model_size_++] = c;
            }
            return;
        case State::search:
        case State::object: return;
    }
    // What did not match may itself be the quote of the next name.
    state_ = c == '"' ? State::name : State::search;
    matched_ = 1;
}

const char* UsageMeter::object(const char* at, const char* end) noexcept {
    Sink sink(*this);
    const auto room = static_cast<std::size_t>(usage_bytes_max - scan_.offset());
    const std::string_view piece(at, std::min(room, static_cast<std::size_t>(end - at)));
    at += scan_.feed_value(piece, sink);
    if (scan_.complete()) finish_object();
    if (scan_.complete() || scan_.broken() || scan_.offset() == usage_bytes_max) state_ = State::search;
    return at;
}

void UsageMeter::finish_object() noexcept {
    if (!plausible_) return;
    if (candidate_.total == Tokens(0)) candidate_.total = candidate_.prompt + candidate_.completion;
    usage_ = candidate_;
}

Tokens UsageMeter::output_estimate() const noexcept {
    const std::uint64_t count = kind_ == Kind::sse ? lines_ / 2 : bytes_ / 4;
    return Tokens(static_cast<std::int64_t>(count));
}

} // namespace headroom::balance
