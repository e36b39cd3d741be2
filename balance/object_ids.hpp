// Finds the ids of stored objects in JSON, or in the data of an event stream, while it passes in pieces: what
// a request refers to, and what a response tells of. One per body. Promises: no copy, no allocation, any
// split finds the same, at most ids_max per body, memory speed where there are none. Looks for member names
// only: a quote inside a JSON string is always escaped, so what looks like a member is one, though not always
// at its proper place; a wrong find costs at most a search. Not here: ids in paths (core/affinity.hpp).
#pragma once

#include "balance/bounded_text.hpp"
#include "balance/id_hash.hpp"
#include "balance/string_skip.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Hears of the ids that are found.
class IdSink {
  public:
    /// The keyed hash of an id (id_hash.hpp), in order; an id may be told several times.
    virtual void on_id(std::uint64_t id) noexcept = 0;

    virtual ~IdSink() = default;
};

/// Which members hold ids, as bits.
enum class IdMembers : unsigned {
    files = 1,     ///< file_id, file_ids, vector_store_ids, container: wherever they stand.
    responses = 2, ///< previous_response_id, conversation, encrypted_content, references to items.
    resources = 4, ///< thread_id, assistant_id and the files of batches and fine-tuning jobs.
    own = 8,       ///< The `id` of an answer itself, and of what it lists.
};

[[nodiscard]] constexpr IdMembers operator|(IdMembers a, IdMembers b) noexcept {
    return static_cast<IdMembers>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(IdMembers set, IdMembers one) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

class ObjectIdScan {
  public:
    static constexpr std::size_t ids_max = 256;
    static constexpr std::size_t name_bytes_max = 24;

    ObjectIdScan(IdMembers members, std::uint64_t seed) noexcept
        : members_(members), seed_(seed), hash_(seed) {}

    /// Takes the next piece of the (decoded) body.
    void feed(std::string_view piece, IdSink& sink) noexcept;

  private:
    enum class State : std::uint8_t { search, name, colon, value, list, text, rest };
    enum class Name : std::uint8_t { none, id, reference, conversation, other };

    [[nodiscard]] Name name_of(std::string_view name) const noexcept;
    const char* search(const char* at, const char* end) noexcept;
    void end_name(Name name) noexcept;
    void take(char c) noexcept;
    void take_value(char c) noexcept;
    void begin_text() noexcept;
    const char* text(const char* at, const char* end, IdSink& sink) noexcept;
    void take_escaped(char c) noexcept;
    void end_text(IdSink& sink) noexcept;

    IdMembers members_;
    State state_ = State::search;
    Name name_ = Name::none;
    bool in_list_ = false;
    bool id_wanted_ = false;  ///< The next `id` is that of an object the body refers to.
    char before_ = '\0';      ///< The byte before the one that comes next.
    std::uint8_t escape_ = 0; ///< In an escape: 1 behind its backslash, 2 to 5 at a digit of \u.
    unsigned code_ = 0;       ///< Of \u.
    std::uint16_t found_ = 0;
    std::uint64_t seed_;
    IdHash hash_;
    BoundedText<name_bytes_max + 1> spelled_; ///< A name that is cut.
    BoundedText<8> head_;                     ///< The first bytes of an `id`.
    StringTally tally_;
};

} // namespace headroom::balance
