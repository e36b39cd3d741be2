// Writing a request for a backend.
#include "core/upstream_request.hpp"

#include "balance/usage_edit.hpp"
#include "core/client_wishes.hpp"
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

/// Browsers cannot set fields on a WebSocket: OpenAI's clients put the key among the protocols they offer.
std::string protocols_without_key(std::string_view offered) {
    constexpr std::string_view key_prefix = "openai-insecure-api-key.";
    std::string kept;
    while (!offered.empty()) {
        const std::size_t end = std::min(offered.find(','), offered.size());
        std::string_view one = offered.substr(0, end);
        offered.remove_prefix(std::min(end + 1, offered.size()));
        while (one.starts_with(' ') || one.starts_with('\t'))
            one.remove_prefix(1);
        while (one.ends_with(' ') || one.ends_with('\t'))
            one.remove_suffix(1);
        if (one.empty() || net::same_name(one.substr(0, key_prefix.size()), key_prefix)) continue;
        (kept += kept.empty() ? "" : ", ") += one;
    }
    return kept;
}

bool is_client_credential(net::FieldId id) {
    return id == net::FieldId::authorization || id == net::FieldId::api_key;
}

} // namespace

bool UpstreamRequest::build(Exchange& exchange, std::uint32_t backend, bool may_add_usage) {
    const BackendConfig& config = exchange.shard().config().backends[backend];
    const bool pass_credentials = config.auth == BackendAuth::passthrough;
    const net::Head& request = exchange.head();

    std::string& target = exchange.record().target;
    target.clear();
    append_target(target, exchange.route(), config, exchange.upstream_name(backend), pass_credentials);
    edit_count_ = 0;
    adds_usage_ = false;
    plan_model(exchange, backend);
    if (may_add_usage) plan_usage(exchange, backend);

    const std::size_t bytes_max =
        exchange.shard().config().limits.head_bytes_max + target.size() + added_bytes_max;
    net::HeadWriter writer(exchange.shard().loop().buffers(), head_bytes_hint, bytes_max);
    writer.request_line(request.method(), target, {});
    writer.field("Host", config.url.authority);
    std::string protocols;
    const std::optional<std::uint32_t> forwards = max_forwards(request);
    writer.copy_end_to_end(request, [&](const net::Head::Field& field) {
        switch (field.id) {
            case net::FieldId::host:
            case net::FieldId::expect:
            case net::FieldId::accept_encoding:
            case net::FieldId::via: return false;
            case net::FieldId::sec_websocket_protocol:
                if (pass_credentials) return true;
                protocols += (protocols.empty() ? "" : ",") + std::string(field.value);
                return false;
            case net::FieldId::max_forwards: return !forwards;
            case net::FieldId::other: return !is_own_field(field.name, exchange.shard().config().queue);
            default: return pass_credentials || !is_client_credential(field.id);
        }
    });
    protocols = protocols_without_key(protocols);
    if (!protocols.empty()) writer.field("Sec-WebSocket-Protocol", protocols);
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

void UpstreamRequest::plan_model(Exchange& exchange, std::uint32_t backend) {
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

void UpstreamRequest::plan_usage(Exchange& exchange, std::uint32_t backend) {
    Shard& shard = exchange.shard();
    const balance::Operation operation = exchange.route().operation;
    const bool tells_on_request =
        operation == balance::Operation::chat || operation == balance::Operation::completions;
    if (!shard.config().usage.add_to_streams || !tells_on_request || exchange.body_streams()) return;
    const auto edit = balance::usage_edit(exchange.facts());
    if (!edit) return;
    std::string api(api_version_of(exchange.record().target));
    ((api += '\n') += exchange.upstream_name(backend)) += '\n';
    api += shard.config().backends[backend].name;
    usage_key_ = shard.fleet().key(api).hash;
    if (shard.usage_refusals().known(usage_key_, shard.loop().now())) return;
    adds_usage_ = true;
    edits_[edit_count_++] = {edit->range, edit->text};
    const auto begin_of = [](const BodyEdit& one) { return one.range.begin; };
    std::ranges::sort(std::span(edits_).first(edit_count_), {}, begin_of);
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
