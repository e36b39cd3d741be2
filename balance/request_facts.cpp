// Which members of a request matter, and what their values mean.
#include "balance/request_facts.hpp"

#include <algorithm>
#include <charconv>

namespace headroom::balance {
namespace {

constexpr std::int64_t count_max = std::int64_t{1} << 40;

enum Tag : unsigned {
    root = JsonSink::root_tag,
    model,
    stream,
    stream_options,
    include_usage,
    store,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    best_of,
    previous_response_id,
    prompt_cache_key,
    user,
    acting,
};

unsigned root_member(std::string_view name) noexcept {
    struct Member {
        std::string_view name;
        Tag tag;
    };
    static constexpr std::array<Member, 16> members{{{"n", n},
                                                     {"user", user},
                                                     {"model", model},
                                                     {"tools", acting},
                                                     {"prompt", acting},
                                                     {"store", store},
                                                     {"stream", stream},
                                                     {"best_of", best_of},
                                                     {"background", acting},
                                                     {"conversation", acting},
                                                     {"max_tokens", max_tokens},
                                                     {"stream_options", stream_options},
                                                     {"prompt_cache_key", prompt_cache_key},
                                                     {"max_output_tokens", max_output_tokens},
                                                     {"previous_response_id", previous_response_id},
                                                     {"max_completion_tokens", max_completion_tokens}}};
    for (const Member& member : members) {
        if (member.name == name) return member.tag;
    }
    return 0;
}

std::uint64_t hash_of(std::string_view text, std::uint64_t whole_bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U + whole_bytes;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash ^= hash >> 29;
    return hash == 0 ? 1 : hash;
}

std::uint64_t hash_of(const JsonScalar& scalar) noexcept {
    return scalar.kind == JsonKind::string ? hash_of(scalar.text, scalar.text_bytes) : 0;
}

// Numbers that no server accepts (negative, not a number of tokens) are as good as absent; 1e3 is 1000.
std::optional<std::int64_t> count_of(const JsonScalar& scalar) noexcept {
    if (scalar.kind != JsonKind::number || scalar.text.empty()) return std::nullopt;
    double value = 0;
    const char* const end = scalar.text.data() + scalar.text.size();
    const auto result = std::from_chars(scalar.text.data(), end, value);
    if (result.ptr != end || value < 0) return std::nullopt;
    // Out of range means too large or too small to be told from 0; only the first matters.
    if (result.ec == std::errc::result_out_of_range)
        value = scalar.text.find("e-") == std::string_view::npos ? 1e300 : 0;
    return static_cast<std::int64_t>(std::min(value, static_cast<double>(count_max)));
}

void count_up(std::uint8_t& count) noexcept {
    if (count < 2) ++count;
}

/// True, false or null; objects and arrays are told as a null that lies nowhere.
bool is_literal(const JsonScalar& scalar) noexcept {
    return scalar.kind != JsonKind::string && scalar.kind != JsonKind::number && scalar.end != 0;
}

} // namespace

std::uint64_t response_hash(std::string_view id) noexcept {
    // The scan keeps no longer ones.
    return hash_of(id.size() > JsonScan::capture_bytes_max ? std::string_view() : id, id.size());
}

class RequestScan::Sink final : public JsonSink {
  public:
    explicit Sink(RequestScan& owner) noexcept : owner_(owner), facts_(owner.facts_) {}

    unsigned on_key(unsigned parent, std::string_view name) noexcept override {
        if (parent == root) return root_member(name);
        facts_.usage_wish.has_members = true; // nothing else is listened to
        return parent == stream_options && name == "include_usage" ? unsigned{include_usage} : 0;
    }

    void on_scalar(unsigned tag, const JsonScalar& scalar) noexcept override {
        const bool yes = scalar.kind == JsonKind::true_value;
        switch (tag) {
            case model: return on_model(scalar);
            case stream: facts_.stream = yes; return count_up(facts_.usage_wish.streams);
            case stream_options:
                begin_stream_options();
                if (is_literal(scalar) && scalar.kind == JsonKind::null)
                    facts_.usage_wish.value = ByteRange{scalar.begin, scalar.end};
                return;
            case include_usage: return on_include_usage(scalar);
            case store:
                facts_.store =
                    yes || scalar.kind == JsonKind::false_value ? std::optional(yes) : std::nullopt;
                return;
            case max_tokens: facts_.max_tokens = count_of(scalar); return;
            case max_completion_tokens: facts_.max_completion_tokens = count_of(scalar); return;
            case max_output_tokens: facts_.max_output_tokens = count_of(scalar); return;
            case n: facts_.n = count_of(scalar); return;
            case best_of: facts_.best_of = count_of(scalar); return;
            case previous_response_id: return on_id(facts_.previous_response_hash, scalar);
            case prompt_cache_key: return on_id(owner_.cache_key_, scalar);
            case user: return on_id(owner_.user_, scalar);
            case acting:
                if (scalar.kind != JsonKind::null) facts_.may_act = true;
                return;
            default: return;
        }
    }

    unsigned on_open(unsigned tag, JsonKind kind, std::uint64_t begin) noexcept override {
        const bool is_object = kind == JsonKind::object;
        switch (tag) {
            case root:
                facts_.object = is_object;
                facts_.usage_wish.object_begin = begin;
                return is_object ? unsigned{root} : 0;
            case model:
                facts_.model_is_string = false;
                facts_.model_size = 0;
                return 0;
            case stream_options:
                begin_stream_options();
                if (!is_object) return 0;
                facts_.stream_options = ByteRange{begin, begin};
                return stream_options;
            case acting: facts_.may_act = true; return 0;
            default:
                // Not a value that any of the others can have: as good as null.
                on_scalar(tag, {});
                return 0;
        }
    }

    void on_close(unsigned inside, JsonKind, std::uint64_t end) noexcept override {
        if (inside != stream_options) return;
        facts_.stream_options->end = end;
        facts_.usage_wish.value = facts_.stream_options;
    }

  private:
    void on_model(const JsonScalar& scalar) noexcept {
        facts_.model_is_string = scalar.kind == JsonKind::string;
        facts_.model_size = 0;
        if (!facts_.model_is_string) return;
        owner_.not_text_ += scalar.text_bytes;
        if (scalar.text.size() <= RequestFacts::model_bytes_max) {
            facts_.model_size = static_cast<std::uint16_t>(scalar.text.size());
            std::copy(scalar.text.begin(), scalar.text.end(), facts_.model_text.begin());
        }
        if (facts_.model_count == RequestFacts::models_max) {
            owner_.too_many_models_ = true;
        } else {
            facts_.model_at[facts_.model_count++] = {scalar.begin, scalar.end};
        }
    }

    void on_id(std::uint64_t& hash, const JsonScalar& scalar) noexcept {
        hash = hash_of(scalar);
        owner_.not_text_ += scalar.text_bytes;
    }

    void on_include_usage(const JsonScalar& scalar) noexcept {
        facts_.include_usage = scalar.kind == JsonKind::true_value;
        facts_.usage_wish.flag.reset();
        if (is_literal(scalar)) facts_.usage_wish.flag = ByteRange{scalar.begin, scalar.end};
        count_up(facts_.usage_wish.flags);
    }

    void begin_stream_options() noexcept {
        UsageWish& wish = facts_.usage_wish;
        facts_.stream_options.reset();
        facts_.include_usage = false;
        wish.has_members = false;
        wish.flags = 0;
        wish.value.reset();
        wish.flag.reset();
        count_up(wish.options);
    }

    RequestScan& owner_;
    RequestFacts& facts_;
};

void RequestScan::feed(std::string_view piece) noexcept {
    Sink sink(*this);
    scan_.feed(piece, sink);
    count();
}

const RequestFacts& RequestScan::finish() noexcept {
    Sink sink(*this);
    const bool whole = scan_.finish(sink);
    count();
    facts_.valid = whole && facts_.object && !too_many_models_;
    return facts_;
}

void RequestScan::count() noexcept {
    facts_.body_bytes = scan_.offset();
    facts_.text_bytes = scan_.text_bytes() - not_text_;
    facts_.media_bytes = scan_.media_bytes();
    facts_.media_count = scan_.media_count();
    facts_.numbers = scan_.numbers();
    facts_.prompt_cache_hash = cache_key_ != 0 ? cache_key_ : user_;
}

} // namespace headroom::balance
