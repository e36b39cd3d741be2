// Leaves the usage event out of a stream whose client did not ask for it: the event with no choices and a
// usage object that `stream_options.include_usage` adds before the end of chat and completions streams. One
// per response. Says only which bytes pass; the caller has them. Promises: every other byte passes unchanged;
// any split of the stream passes the same bytes; no event is delayed that could not be the usage event, and
// none at all once it is whole; a few nanoseconds per event that is not about usage; bounded memory. Not
// here: the
// `"usage":null` that the other events then have: it is part of the API's schema and stays.
#pragma once

#include "balance/event_lines.hpp"
#include "balance/json_scan.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

class UsageEventFilter {
  public:
    /// A usage event has some hundred bytes; a longer event passes whatever it says.
    static constexpr std::size_t event_bytes_max = 8192;

    enum class Fate : std::uint8_t {
        pass, ///< These bytes are the client's, and before them those that were held.
        hide, ///< They are not, nor are those that were held.
        hold, ///< Not known yet: they join those that are held.
    };
    struct Run {
        Fate fate;
        std::size_t size; ///< Never 0.
    };

    UsageEventFilter() noexcept = default;

    /// What becomes of the beginning of `piece`, which must not be empty; ask again with what is left of it.
    Run next(std::string_view piece) noexcept;
    /// The stream has ended: what becomes of the bytes that are held. An event counts as whole without its
    /// empty line.
    [[nodiscard]] Fate finish() const noexcept { return begun_ && is_usage() ? Fate::hide : Fate::pass; }

  private:
    class Sink;

    Run read(std::string_view piece) noexcept;
    void begin_event() noexcept;
    void judge(EventLines::Part part, std::string_view text) noexcept;
    void feed(std::string_view data) noexcept;
    [[nodiscard]] bool is_usage() const noexcept;

    EventLines lines_;
    Fate last_ = Fate::pass; ///< Of the event before this one, for the second half of its last line end.
    bool begun_ = false;     ///< A field of the current event was seen.
    bool cleared_ = false;   ///< The current event is not the usage event: its bytes pass as they come.
    bool has_data_ = false;
    bool no_choices_ = false;  ///< It has `choices`, and they are empty.
    bool usage_ = false;       ///< It has a usage object.
    std::size_t bytes_ = 0;    ///< Of the current event so far.
    std::size_t doubtful_ = 0; ///< Bytes of the current piece that no search has cleared.
    JsonScan scan_;            ///< Of its data; begun when the event is.
};

} // namespace headroom::balance
