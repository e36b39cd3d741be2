// UpstreamRequest: the bytes that one backend is asked with: a head of our own, and the client's body with
// the deployment's name exchanged where that backend wants it in the body, and with the wish for a stream's
// usage where the client has none. Built anew for every attempt; the body itself is never copied. Promises: a
// credential of the client reaches a backend only when that backend is configured to pass it on.
#pragma once

#include "balance/request_facts.hpp"
#include "core/request_body.hpp"
#include "net/buffer.hpp"
#include "net/http/writer.hpp"

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

class Exchange;

class UpstreamRequest {
  public:
    /// Leaves what was asked for in the record. Without `may_add_usage` nothing is added to what the client
    /// wants. False when there is no memory for it or a value cannot be a header field.
    [[nodiscard]] bool build(Exchange& exchange, std::uint32_t backend, bool may_add_usage);
    /// What to send, in order; valid until the next build(). For a streaming body: what is held of it so far.
    [[nodiscard]] std::vector<iovec>& pieces() noexcept { return pieces_; }
    /// A streaming body of unknown length goes out in chunks.
    [[nodiscard]] bool chunked() const noexcept { return chunked_; }
    /// We ask for usage, the client did not.
    [[nodiscard]] bool adds_usage() const noexcept { return adds_usage_; }
    /// What a backend's refusal to tell usage is remembered by: the backend, its deployment and API version.
    [[nodiscard]] std::uint64_t usage_key() const noexcept { return usage_key_; }

  private:
    void plan_model(Exchange& exchange, std::uint32_t backend);
    void plan_usage(Exchange& exchange, std::uint32_t backend);
    void write_credentials(net::HeadWriter& writer, Exchange& exchange, std::uint32_t backend) const;
    void write_framing(net::HeadWriter& writer, Exchange& exchange);
    void add_body(Exchange& exchange);

    net::Slice head_;
    std::string new_model_; ///< As JSON, quotes included; or `"model":"...",` to be inserted.
    std::array<BodyEdit, balance::RequestFacts::models_max + 1> edits_;
    std::size_t edit_count_ = 0;
    std::vector<iovec> pieces_;
    std::string chunk_begin_;
    std::string chunk_end_;
    std::uint64_t usage_key_ = 0;
    bool chunked_ = false;
    bool adds_usage_ = false;
};

} // namespace headroom::core
