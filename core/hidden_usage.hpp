// HiddenUsage: gives an event stream to the client without the usage event that we asked for and it did not.
// One per such response. Promises: bytes are sent from where they were received; only the beginning of an
// event that is cut and could be the usage event is copied, so that it does not keep receive buffers.
// Not here: which bytes those are (balance/usage_event_filter.hpp).
#pragma once

#include "balance/usage_event_filter.hpp"
#include "net/buffer.hpp"

#include <sys/uio.h>

#include <span>
#include <string>
#include <vector>

namespace headroom::core {

class HiddenUsage {
  public:
    /// Adds to `out` what of the stream may go to the client now that `body` has come; `last`: the stream
    /// ends with it. What is added stays valid until the next call, if `body` does.
    void add(std::span<const net::Slice> body, bool last, std::vector<iovec>& out);

  private:
    balance::UsageEventFilter filter_;
    std::string held_;    ///< Beginning of an event whose fate is open.
    std::string sending_; ///< What was held before and may be in `out` now.
};

} // namespace headroom::core
