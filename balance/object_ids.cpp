// The search runs over whole pieces; only what follows a candidate is looked at byte by byte.
#include "balance/object_ids.hpp"

#include "balance/byte_search.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace headroom::balance {
namespace {

struct Member {
    std::string_view name;
    IdMembers group;
};

// Sources: the OpenAI API reference and the Azure OpenAI REST reference (v1).
constexpr std::array members_known{
    Member{"assistant_id", IdMembers::resources},
    Member{"container", IdMembers::files},
    Member{"container_id", IdMembers::own},
    Member{"conversation", IdMembers::responses},
    Member{"encrypted_content", IdMembers::responses},
    Member{"error_file_id", IdMembers::own},
    Member{"file_id", IdMembers::files},
    Member{"file_ids", IdMembers::files},
    Member{"id", IdMembers::own | IdMembers::responses},
    Member{"input_file_id", IdMembers::resources},
    Member{"item_reference", IdMembers::responses},
    Member{"output_file_id", IdMembers::own},
    Member{"previous_response_id", IdMembers::responses},
    Member{"thread_id", IdMembers::resources},
    Member{"training_file", IdMembers::resources},
    Member{"validation_file", IdMembers::resources},
    Member{"vector_store_id", IdMembers::own},
    Member{"vector_store_ids", IdMembers::files},
};

constexpr PairSet beginnings = [] {
    PairSet set;
    for (const Member& member : members_known)
        set.add(member.name[0], member.name[1]);
    return set;
}();

static_assert(std::ranges::all_of(members_known, [](const Member& member) {
    return member.name.size() <= ObjectIdScan::name_bytes_max;
}));

// What an answer lists and stores, by how its ids begin; the others (calls of tools, filters) are never asked
// for. The first id of an answer is its own, whatever it looks like.
constexpr std::array<std::string_view, 18> kinds{
    "resp_",   "msg_", "rs_",   "fc_",   "conv_",   "file-",  "assistan", "batch_", "vs_",
    "thread_", "run_", "asst_", "step_", "upload_", "ftjob-", "eval",     "cntr_",  "chatcmpl"};

bool is_stored_kind(std::string_view head) noexcept {
    return std::ranges::any_of(kinds, [&](std::string_view kind) { return head.starts_with(kind); });
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

unsigned hex_of(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 0;
}

} // namespace

ObjectIdScan::Name ObjectIdScan::name_of(std::string_view name) const noexcept {
    for (const Member& member : members_known) {
        if (member.name != name) continue;
        if (!has(members_, member.group)) return Name::none;
        if (name == "id") return has(members_, IdMembers::own) || id_wanted_ ? Name::id : Name::none;
        if (name == "item_reference") return Name::reference;
        return name == "conversation" ? Name::conversation : Name::other;
    }
    return Name::none;
}

void ObjectIdScan::feed(std::string_view piece, IdSink& sink) noexcept {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    while (at != end && found_ < ids_max) {
        const char* const from = at;
        switch (state_) {
            case State::search: at = search(at, end); break;
            case State::text: at = text(at, end, sink); break;
            case State::rest:
                at = skip_string(at, end, tally_);
                // a control character ends the string as well: it is none
                if (at != end) {
                    ++at;
                    end_text(sink);
                }
                break;
            default: take(*at++); break;
        }
        if (at != from) before_ = at[-1];
    }
}

/// Moves to behind the quote of the next candidate, behind its name if that is whole, or to the end.
const char* ObjectIdScan::search(const char* at, const char* end) noexcept {
    const char* found = find_quoted(at, end, beginnings);
    if (found == end) {
        // one that begins with the last two bytes is decided when more has come
        if (end[-1] == '"') {
            found = end - 1;
        } else if (end - at > 1 && end[-2] == '"') {
            found = end - 2;
        } else {
            return end;
        }
    }
    const char before = found == at ? before_ : found[-1];
    if (before == '\\') return found + 1;
    const char* const begin = found + 1;
    spelled_.clear();
    state_ = State::name;
    if (static_cast<std::size_t>(end - begin) <= name_bytes_max) return begin;
    const std::string_view ahead(begin, name_bytes_max + 1);
    const std::size_t size = ahead.find_first_of("\"\\");
    if (size == ahead.npos || ahead[size] != '"') {
        state_ = State::search;
        return begin;
    }
    end_name(name_of(ahead.substr(0, size)));
    return begin + size + 1;
}

void ObjectIdScan::end_name(Name name) noexcept {
    state_ = State::search;
    name_ = name;
    if (name == Name::none) return;
    if (name == Name::reference) {
        id_wanted_ = true; // it is a value: {"type":"item_reference","id":...}
        return;
    }
    state_ = State::colon;
}

void ObjectIdScan::take(char c) noexcept {
    switch (state_) {
        case State::name:
            if (c == '"') {
                end_name(name_of(spelled_.text()));
                // what began it may have been the end of a string, and this the beginning of a name
                spelled_.clear();
                if (state_ == State::search) state_ = State::name;
                return;
            }
            spelled_.append({&c, 1});
            if (c == '\\' || spelled_.text().size() > name_bytes_max) state_ = State::search;
            return;
        case State::colon:
            if (is_blank(c)) return;
            state_ = c == ':' ? State::value : State::search;
            return;
        case State::value:
        case State::list:
            if (is_blank(c) || (state_ == State::list && c == ',')) return;
            return take_value(c);
        default: return;
    }
}

void ObjectIdScan::take_value(char c) noexcept {
    in_list_ = state_ == State::list;
    state_ = State::search;
    if (c == '"') return begin_text();
    if (c == '[' && !in_list_ && name_ != Name::id) state_ = State::list;
    if (c == '{' && name_ == Name::conversation) id_wanted_ = true;
}

void ObjectIdScan::begin_text() noexcept {
    state_ = State::text;
    hash_ = IdHash(seed_);
    head_.clear();
    escape_ = 0;
}

const char* ObjectIdScan::text(const char* at, const char* end, IdSink& sink) noexcept {
    for (; at != end; ++at) {
        const char c = *at;
        if (escape_ != 0) {
            take_escaped(c);
        } else if (c == '\\') {
            escape_ = 1;
        } else if (c == '"') {
            end_text(sink);
            return at + 1;
        } else {
            hash_.add(c);
            head_.append({&c, 1});
        }
        if (hash_.size() == IdHash::bytes_max) {
            state_ = State::rest;
            tally_ = {};
            return at + 1;
        }
    }
    return at;
}

/// Serializers escape '/' and '+' of encrypted content each in their own way; what is meant is the same.
void ObjectIdScan::take_escaped(char c) noexcept {
    if (escape_ == 1 && c == 'u') {
        escape_ = 2;
        code_ = 0;
        return;
    }
    if (escape_ != 1) {
        code_ = code_ << 4U | hex_of(c);
        if (escape_++ != 5) return;
        c = static_cast<char>(code_);
    }
    escape_ = 0;
    hash_.add(c);
}

void ObjectIdScan::end_text(IdSink& sink) noexcept {
    state_ = in_list_ ? State::list : State::search;
    if (hash_.size() == 0) return;
    const bool first = found_ == 0;
    if (name_ == Name::id && !std::exchange(id_wanted_, false) && !first && !is_stored_kind(head_.text()))
        return;
    ++found_;
    sink.on_id(hash_.value());
}

} // namespace headroom::balance
