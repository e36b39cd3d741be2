// Writing a request for a backend.
#include "core/upstream_request.hpp"

#include "core/config/backend_url.hpp"
#include "core/exchange.hpp"
#include "core/max_forwards.hpp"
#include "core/report.hpp"

#include <algorithm>
#include <optional>

namespace headroom::core {
namespace {

constexpr std::size_t head_bytes_hint = 2048;
/// What we write beyond what the client sent: our credential, Host, Via, framing.
constexpr std::size_t added_bytes_max = 20U * 1024;

/// Where in a JSON object that has no `model` one can be put: behind its brace; nullopt for "{}" and for what
/// is none.
std::optional<std::uint64_t> place_for_model(const RequestBody& body) {
    std::optional<std::uint64_t> behind_brace;
    std::uint64_t offset = 0;
    for (const net::Slice& piece : body.pieces()) {
        for (const char c : piece.view()) {
            ++offset;
            const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
            if (behind_brace) {
                if (blank) continue;
                return c == '}' ? std::nullopt : behind_brace;
            }
            if (c == '{') behind_brace = offset;
        }
    }
    return std::nullopt;
}

bool is_client_credential(net::FieldId id) {
    return id == net::FieldId::authorization || id == net::FieldId::api_key;
}

} // namespace

bool UpstreamRequest::build(Exchange& exchange, std::uint32_t backend) {
    const BackendConfig& config = exchange.shard().config().backends[backend];
    const bool pass_credentials = config.auth == BackendAuth::passthrough;
    const net::Head& request = exchange.head();

    std::string& target = exchange.record().target;
    target.clear();
    append_target(target, exchange.route(), config, exchange.upstream_name(backend), pass_credentials);
    plan_edits(exchange, backend);

    const std::size_t bytes_max =
        exchange.shard().config().limits.head_bytes_max + target.size() + added_bytes_max;
    net::HeadWriter writer(exchange.shard().loop().buffers(), head_bytes_hint, bytes_max);
    writer.request_line(request.method(), target, {});
    writer.field("Host", config.url.authority);
    const std::optional<std::uint32_t> forwards = max_forwards(request);
    writer.copy_end_to_end(request, [&](const net::Head::Field& field) {
        switch (field.id) {
            case net::FieldId::host:
            case net::FieldId::expect:
            case net::FieldId::accept_encoding:
            case net::FieldId::via: return false;
            case net::FieldId::max_forwards: return !forwards;
            default: return pass_credentials || !is_client_credential(field.id);
        }
    });
    writer.field("Accept-Encoding", "identity"); // so that usage can be read while it passes
    const std::string_view via = request.find(net::FieldId::via);
    const std::string_view hop =
        request.version() == net::HttpVersion::http10 ? "1.0 headroom" : "1.1 headroom";
    writer.field("Via", via.empty() ? std::string(hop) : std::string(via) + ", " + std::string(hop));
    if (forwards) writer.field("Max-Forwards", std::max(*forwards, 1U) - 1);
    write_credentials(writer, exchange, backend);
    if (!request.upgrade().empty()) writer.field("Connection", "Upgrade").field("Upgrade", request.upgrade());
    write_framing(writer, exchange);
    writer.end();
    head_ = writer.take();
    if (head_.empty()) return false;
    pieces_.clear();
    pieces_.reserve(exchange.body().pieces().size() + 2 * edits_.size() + 3);
    pieces_.push_back({head_.mutable_data(), head_.size()});
    add_body(exchange);
    return true;
}

void UpstreamRequest::plan_edits(Exchange& exchange, std::uint32_t backend) {
    edit_count_ = 0;
    const BackendConfig& config = exchange.shard().config().backends[backend];
    const std::string_view name = exchange.upstream_name(backend);
    if (name.empty() || exchange.body_streams() || deployment_in_path(exchange.route(), config)) return;
    const balance::RequestFacts& facts = exchange.facts();
    if (!facts.object || (facts.model() == name && facts.model_count == 1)) return;
    new_model_ = "\"";
    append_json_text(new_model_, name);
    new_model_ += '"';
    if (facts.model_count > 0) {
        for (const balance::ByteRange& range : facts.model_ranges())
            edits_[edit_count_++] = {range, new_model_};
    } else if (const auto place = place_for_model(exchange.body())) {
        new_model_ = "\"model\":" + new_model_ + ",";
        edits_[edit_count_++] = {{*place, *place}, new_model_};
    }
}

void UpstreamRequest::write_credentials(net::HeadWriter& writer, Exchange& exchange,
                                        std::uint32_t backend) const {
    const BackendConfig& config = exchange.shard().config().backends[backend];
    if (config.auth == BackendAuth::key) {
        writer.field("api-key", config.api_key.reveal());
        // OpenAI and its likes know only the bearer form; an Azure host takes the field above in both
        // flavours
        if (config.flavour == Flavour::v1 && !is_azure_host(config.url.host)) {
            std::string bearer = "Bearer ";
            bearer += config.api_key.reveal();
            writer.field("Authorization", bearer);
        }
    } else if (config.auth == BackendAuth::managed_identity) {
        std::string bearer = "Bearer ";
        bearer += exchange.shard().backend_state(backend).bearer_token.reveal();
        writer.field("Authorization", bearer);
    }
}

void UpstreamRequest::write_framing(net::HeadWriter& writer, Exchange& exchange) {
    const net::Head& request = exchange.head();
    const bool trailers = exchange.session().reader().complete() &&
                          request.framing() == net::BodyFraming::chunked &&
                          !exchange.session().reader().trailers().empty();
    chunked_ = trailers || (exchange.body_streams() && request.framing() == net::BodyFraming::chunked);
    if (chunked_) {
        writer.field("Transfer-Encoding", "chunked");
        return;
    }
    if (exchange.body_streams()) {
        writer.field("Content-Length", request.content_length().value_or(0));
        return;
    }
    const auto edits = std::span(edits_).first(edit_count_);
    const bool method_has_body = request.method() == net::Method::post ||
                                 request.method() == net::Method::put ||
                                 request.method() == net::Method::patch;
    if (method_has_body || request.framing() != net::BodyFraming::none) {
        writer.field("Content-Length", exchange.body().size_with(edits));
    }
}

void UpstreamRequest::add_body(Exchange& exchange) {
    const auto edits = std::span(edits_).first(edit_count_);
    if (!chunked_) {
        exchange.body().append_to(pieces_, edits);
        return;
    }
    const std::uint64_t size = exchange.body().size_with(edits);
    if (size > 0) {
        chunk_begin_ = net::ChunkHeader(size, false).view();
        pieces_.push_back({chunk_begin_.data(), chunk_begin_.size()});
        exchange.body().append_to(pieces_, edits);
    }
    chunk_end_ = size > 0 ? "\r\n" : "";
    if (!exchange.body_streams()) {
        std::array<char, 16U * 1024> memory;
        net::HeadWriter writer{std::span<char>(memory)};
        net::write_last_chunk(writer, exchange.session().reader().trailers(), false);
        chunk_end_ += writer.ok() ? writer.view() : net::last_chunk;
    }
    pieces_.push_back({chunk_end_.data(), chunk_end_.size()});
}

} // namespace headroom::core
