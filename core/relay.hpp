// Relay: gives a backend's response to the client as it comes, framed anew, with usage read beside it.
// First it holds: a stream until its first content, another response until it is whole or too large to hold;
// so that one that dies or errs before that is retried elsewhere. Then it commits: from there on a failure
// can only be told to the client. Promises: a cut response never looks whole to the client.
#pragma once

#include "balance/response_id.hpp"
#include "balance/stream_events.hpp"
#include "balance/stream_text.hpp"
#include "balance/usage_meter.hpp"
#include "core/affinity.hpp"
#include "core/attempt.hpp"
#include "core/hidden_usage.hpp"
#include "net/http/writer.hpp"

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

class Relay {
  public:
    explicit Relay(Attempt& attempt);

    /// Holds, until it is ready for commit(), has failed, or the client has gone.
    net::Task<Attempt::End> prepare();
    /// Gives the client what the attempt holds, and relays to the end.
    net::Task<Attempt::End> commit();
    /// Output in what is held, of a response that the client will not get.
    [[nodiscard]] balance::Tokens held_output() noexcept;

  private:
    enum class Framing : std::uint8_t { none, length, chunked, close };

    bool holds() const noexcept;
    net::Task<net::Result<void>> hold();
    /// What the held bytes come to: whether to commit (true) or to try another backend.
    bool judge_held(net::Result<void> held) noexcept;
    net::Task<bool> send_pieces();
    net::Task<Attempt::End> break_off(net::Error error);
    bool write_head();
    void choose_framing() noexcept;
    void add_piece(std::string_view bytes);
    void add_body(std::span<const net::Slice> body, bool last);
    std::size_t add_visible(std::span<const net::Slice> body, bool last);
    void pass(std::string_view bytes) noexcept;
    bool at_event_boundary() const noexcept;
    Attempt::End finish();
    Attempt::End client_left();
    void meter(std::string_view bytes) noexcept;
    void meter_held() noexcept;
    void settle();
    balance::Tokens output() const noexcept;
    void begin_learning();

    Attempt& attempt_;
    Exchange& exchange_;
    balance::UsageMeter meter_;
    balance::StreamJudge judge_;
    std::optional<HiddenUsage> hidden_;              ///< Only when there is something to hide.
    std::unique_ptr<balance::StreamText> text_;      ///< Only of metered streams.
    std::optional<balance::ResponseId> response_id_; ///< Only of the Responses API.
    std::optional<IdLearner> learner_;               ///< Only of what tells of stored objects.
    net::Slice head_;
    net::Slice trailers_;
    std::vector<iovec> pieces_;
    std::string chunk_begin_;
    std::uint64_t sent_bytes_ = 0; ///< Of the body.
    char tail_[4] = {};            ///< The last body bytes that were sent.
    Framing framing_ = Framing::none;
    bool metered_ = false;
    bool stream_ = false;
    bool committed_ = false;
};

} // namespace headroom::core
