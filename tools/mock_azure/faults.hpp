// Faults on command: which one, for which requests, how often. Pure: the dice are an argument.
// Not here: how a fault is carried out (exchange.hpp, outlet.hpp, listener.hpp).
#pragma once

#include "tools/mock_azure/random.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

enum class FaultKind {
    status,           ///< answers `status` (and `body`) instead of working
    high_demand,      ///< the 429 of a full pool, which is no quota
    slow,             ///< `ms` more before the first byte
    slow_tokens,      ///< `ms` more per token
    hang,             ///< reads the request and never answers
    hang_stream,      ///< stops after `n` events and keeps the connection open
    reset,            ///< TCP reset once the request was read
    reset_unread,     ///< TCP reset after the head, the body unread
    reset_bytes,      ///< TCP reset after `n` bytes of the answer
    reset_stream,     ///< TCP reset after `n` events
    close,            ///< orderly close once the request was read, no answer
    close_stream,     ///< orderly close after `n` events, the last chunk missing
    stale,            ///< reset when a request comes on a connection that has served one before
    length_long,      ///< content-length `n` bytes too long, then close
    length_short,     ///< content-length `n` bytes too short
    bad_chunk,        ///< a chunk size that is no number, after `n` events
    bad_status,       ///< a status line that is none
    both_framings,    ///< content-length and transfer-encoding in one head
    sse_error,        ///< 200, then an error event after `n` events, and a regular end
    no_done,          ///< a regular end without [DONE] or response.completed
    early,            ///< answers `status` without reading the body, then closes
    connection_close, ///< a good answer with connection: close
    idle_close,       ///< a good answer that promises keep-alive, then closes after `ms`
    info_flood,       ///< `n` times 103 before the answer
    huge_head,        ///< `n` bytes of header fields
    trickle,          ///< the answer in pieces of `n` bytes with `ms` between them
    empty,            ///< 200 with content-length 0
    refuse,           ///< stops listening for `ms` (0: until cleared); "n":1 also resets what is open
    hang_accept,      ///< accepts the connection and never reads nor answers
    reset_accept,     ///< resets the connection as soon as it is accepted
};

struct FaultName {
    FaultKind kind;
    std::string_view name;
    std::string_view what;
};

/// All kinds with their wire names, in the order of the enumeration.
const std::vector<FaultName>& fault_names();
std::string_view to_string(FaultKind kind);

struct Fault {
    std::uint64_t id = 0;
    FaultKind kind = FaultKind::status;
    std::string deployment;  ///< only this one; empty: any
    std::string path;        ///< only targets that contain it
    std::int64_t count = -1; ///< how often it still strikes; -1: always
    std::int64_t after = 0;  ///< matching requests to let pass first
    double probability = 1.0;
    int status = 500;
    std::int64_t n = 0;
    std::int64_t ms = 0;              ///< real milliseconds
    std::int64_t retry_after_ms = -1; ///< of an ordered 429; -1: no header
    std::string body;                 ///< instead of the usual body
    std::int64_t struck = 0;
};

/// When a fault is decided: as a connection is accepted, after a request's head, or once the whole request is
/// known.
enum class FaultStage { connection, head, request };
FaultStage stage_of(FaultKind kind);

struct FaultOrError {
    Fault fault;
    std::string backend; ///< empty: every backend
    std::string error;   ///< empty when all is well
};

/// Reads {"backend","kind",...}; kinds that are a number, such as 503, are status faults.
FaultOrError read_fault(std::string_view json_text);

class FaultPlan {
  public:
    explicit FaultPlan(std::uint64_t seed) : random_(seed) {}

    std::uint64_t add(Fault fault);
    void clear() { faults_.clear(); }
    bool empty() const { return faults_.empty(); }

    /// What is known of a request when the dice are thrown; before its body is read the deployment may be
    /// unknown.
    struct Moment {
        FaultStage stage = FaultStage::request;
        std::string_view deployment;
        std::string_view target;
        bool reused_connection = false;
    };

    /// The first fault that matches and whose turn it is; it is counted as struck.
    std::optional<Fault> strike(const Moment& moment);

    const std::vector<Fault>& faults() const { return faults_; }

  private:
    bool turn_of(Fault* fault);

    Random random_;
    std::vector<Fault> faults_;
    std::uint64_t next_id_ = 1;
};

} // namespace headroom::mock
