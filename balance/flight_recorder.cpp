// A ring of words under a sequence, as seqlocks do it. A record is never cut by the ring's end.
#include "balance/flight_recorder.hpp"

#include "balance/decision_fields.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// A record: its number; kind, bytes of its id, words; request; time; attempt; the id; its fields.
constexpr std::size_t head_words = 5;
constexpr std::size_t id_words_max = request_id_bytes_max / 8;
constexpr std::size_t candidate_words_max = 16;
constexpr std::size_t fields_max = 64;
constexpr std::size_t record_words_max =
    head_words + id_words_max + fields_max + backends_max * candidate_words_max;
constexpr std::size_t words_per_record = 8; // the shortest are hardly longer than that

std::uint64_t pack(FlightRecord::Kind kind, std::size_t id_bytes, std::size_t words) noexcept {
    return static_cast<std::uint64_t>(kind) << 56U | static_cast<std::uint64_t>(id_bytes) << 32U | words;
}

/// Reads the words of a copied record; behind their end all is 0.
class Words {
  public:
    explicit Words(const std::vector<std::uint64_t>& words) noexcept : words_(words) {}
    std::uint64_t take() noexcept { return at_ < words_.size() ? words_[at_++] : 0; }
    template <class Field>
    void operator()(std::string_view, Field& field) noexcept {
        from_word(take(), field);
    }

  private:
    const std::vector<std::uint64_t>& words_;
    std::size_t at_ = 0;
};

void read_decision(Words& words, FlightRecord& record) {
    visit_input(record.input, words);
    visit_decision(record.decision, words);
    for_each(record.input.seen, [&](std::uint32_t backend) {
        visit_look(record.input.look[backend], words);
        if (is_in(record.input.opened, backend)) from_word(words.take(), record.input.opens[backend]);
        if (is_in(record.decision.scored, backend)) from_word(words.take(), record.decision.score[backend]);
    });
}

std::string id_of(const std::vector<std::uint64_t>& words) {
    const std::size_t bytes = std::min<std::size_t>(words[1] >> 32U & 0xFFU, request_id_bytes_max);
    std::array<char, request_id_bytes_max> text{};
    const std::size_t present = std::min(bytes, (words.size() - head_words) * 8);
    std::memcpy(text.data(), words.data() + head_words, present);
    return {text.data(), present};
}

FlightRecord decoded(const std::vector<std::uint64_t>& words) {
    FlightRecord record;
    Words from(words);
    from.take();
    const std::uint64_t packed = from.take();
    record.kind = static_cast<FlightRecord::Kind>(packed >> 56U);
    record.request = from.take();
    record.at = Time(Duration(static_cast<std::int64_t>(from.take())));
    record.attempt = static_cast<std::uint32_t>(from.take());
    record.id = id_of(words);
    for (std::size_t i = 0; i < (record.id.size() + 7) / 8; ++i)
        from.take();
    switch (record.kind) {
        case FlightRecord::Kind::decision: read_decision(from, record); break;
        case FlightRecord::Kind::attempt: visit_end(record.attempt_end, from); break;
        case FlightRecord::Kind::end: visit_end(record.request_end, from); break;
    }
    return record;
}

} // namespace

/// One record on its way into the ring; it is there for readers when this ends.
class FlightRecorder::Writing {
  public:
    Writing(FlightRecorder& recorder, FlightRecord::Kind kind, const FlightTag& tag, Time now,
            std::size_t words_max) noexcept
        : recorder_(recorder), kind_(kind), id_(tag.id.substr(0, request_id_bytes_max)) {
        const std::size_t bound = head_words + id_words_max + words_max;
        const std::size_t offset = recorder.next_ & (recorder.words_ - 1);
        if (offset + bound > recorder.words_) recorder.next_ += recorder.words_ - offset;
        recorder.claimed_.store(recorder.next_ + bound, relaxed);
        // Orders the claim before every word written under it: a reader that has met one of these words and
        // then passes its acquire fence sees the claim, and drops what it has copied.
        std::atomic_thread_fence(std::memory_order_release);
        begin_ = recorder.ring_.get() + (recorder.next_ & (recorder.words_ - 1));
        to_ = begin_;
        number_ = recorder.count_.load(relaxed);
        put(number_);
        put(0); // its size, once that is known
        put(tag.request);
        put(to_word(now.time_since_epoch()));
        put(tag.attempt);
        for (std::size_t at = 0; at < id_.size(); at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, id_.data() + at, std::min<std::size_t>(8, id_.size() - at));
            put(word);
        }
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

    ~Writing() {
        const auto size = static_cast<std::size_t>(to_ - begin_);
        begin_[1].store(pack(kind_, id_.size(), size), relaxed);
        recorder_.begins_[number_ & (recorder_.records_ - 1)].store(recorder_.next_, relaxed);
        recorder_.next_ += size;
        assert(recorder_.next_ <= recorder_.claimed_.load(relaxed));
        // Orders the record and its place before the count that tells of it.
        recorder_.count_.store(number_ + 1, std::memory_order_release);
    }

    void put(std::uint64_t word) noexcept { (to_++)->store(word, relaxed); }
    template <class Field>
    void operator()(std::string_view, const Field& field) noexcept {
        put(to_word(field));
    }

  private:
    FlightRecorder& recorder_;
    FlightRecord::Kind kind_;
    std::string_view id_;
    std::uint64_t number_ = 0;
    std::atomic<std::uint64_t>* begin_ = nullptr;
    std::atomic<std::uint64_t>* to_ = nullptr;
};

FlightRecorder::FlightRecorder(std::size_t words)
    : words_(words),
      records_(words / words_per_record),
      ring_(std::make_unique<std::atomic<std::uint64_t>[]>(words_)),
      begins_(std::make_unique<std::atomic<std::uint64_t>[]>(records_)) {
    assert(std::has_single_bit(words) && words >= 4096);
    static_assert(record_words_max <= 4096);
}

void FlightRecorder::record(const FlightTag& tag, Time now, const DecisionInput& input,
                            const Decision& made) noexcept {
    const auto candidates = static_cast<std::size_t>(std::popcount(input.seen));
    Writing writing(*this, FlightRecord::Kind::decision, tag, now,
                    fields_max + candidates * candidate_words_max);
    visit_input(input, writing);
    visit_decision(made, writing);
    for_each(input.seen, [&](std::uint32_t backend) {
        visit_look(input.look[backend], writing);
        if (is_in(input.opened, backend)) writing.put(to_word(input.opens[backend]));
        if (is_in(made.scored, backend)) writing.put(to_word(made.score[backend]));
    });
}

void FlightRecorder::record(const FlightTag& tag, Time now, const AttemptEnd& end) noexcept {
    Writing writing(*this, FlightRecord::Kind::attempt, tag, now, fields_max);
    visit_end(end, writing);
}

void FlightRecorder::record(const FlightTag& tag, Time now, const RequestEnd& end) noexcept {
    Writing writing(*this, FlightRecord::Kind::end, tag, now, fields_max);
    visit_end(end, writing);
}

/// Copies record `number`; false when it was overwritten before or meanwhile.
bool FlightRecorder::copy(std::uint64_t number, std::vector<std::uint64_t>& words) const {
    const std::uint64_t begin = begins_[number & (records_ - 1)].load(relaxed);
    const std::atomic<std::uint64_t>* from = ring_.get() + (begin & (words_ - 1));
    const std::size_t behind = words_ - (begin & (words_ - 1));
    if (behind < head_words) return false;
    const std::size_t size = from[1].load(relaxed) & 0xFFFFFFFFU;
    if (size < head_words || size > std::min(behind, record_words_max)) return false;
    words.resize(size);
    for (std::size_t i = 0; i < size; ++i)
        words[i] = from[i].load(relaxed);
    // Orders the copying before the look at what is claimed: see Writing.
    std::atomic_thread_fence(std::memory_order_acquire);
    return words[0] == number && begin + words_ >= claimed_.load(relaxed);
}

std::vector<FlightRecord> FlightRecorder::find(std::string_view id) const {
    id = id.substr(0, request_id_bytes_max);
    std::vector<FlightRecord> found;
    std::vector<std::uint64_t> words;
    // Orders what is read of the records behind the count that told of them.
    const std::uint64_t count = count_.load(std::memory_order_acquire);
    for (std::uint64_t number = count - std::min<std::uint64_t>(count, records_); number < count; ++number) {
        if (copy(number, words) && id_of(words) == id) found.push_back(decoded(words));
    }
    return found;
}

std::optional<Time> FlightRecorder::oldest() const {
    std::vector<std::uint64_t> words;
    // Orders what is read of the records behind the count that told of them.
    const std::uint64_t count = count_.load(std::memory_order_acquire);
    for (std::uint64_t number = count - std::min<std::uint64_t>(count, records_); number < count; ++number) {
        if (copy(number, words)) return decoded(words).at;
    }
    return std::nullopt;
}

} // namespace headroom::balance
