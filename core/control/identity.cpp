// Fetching and renewing the managed-identity token.
#include "core/control/identity.hpp"

#include "core/config/backend_url.hpp"
#include "core/route.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace headroom::core {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using WallClock = std::chrono::system_clock;

constexpr std::chrono::seconds fetch_limit{20};
constexpr std::chrono::minutes renew_ahead{5};
constexpr std::chrono::seconds retry_first{1};
constexpr std::chrono::seconds retry_most{60};
constexpr std::uint64_t answer_bytes_max = 64U * 1024;

/// Unix seconds given as a number or as a string.
std::optional<std::int64_t> seconds_of(simdjson::dom::element value) {
    std::int64_t number = 0;
    if (value.get(number) == simdjson::SUCCESS) return number;
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

} // namespace

std::optional<IdentityToken> parse_identity_token(std::string_view json, WallClock::time_point now,
                                                  std::string& failure) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view token;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
        failure = "the answer is not JSON";
        return std::nullopt;
    }
    if (root["access_token"].get(token) != simdjson::SUCCESS || token.empty()) {
        failure = "the answer has no access_token";
        return std::nullopt;
    }
    constexpr std::int64_t longest = 7 * 86'400;
    const std::int64_t now_seconds = WallClock::to_time_t(now);
    std::optional<std::int64_t> left;
    simdjson::dom::element value;
    if (root["expires_on"].get(value) == simdjson::SUCCESS) {
        if (const auto at = seconds_of(value)) left = *at - now_seconds;
    }
    if (!left && root["expires_in"].get(value) == simdjson::SUCCESS) left = seconds_of(value);
    if (!left) {
        failure = "the answer does not say when the token expires";
        return std::nullopt;
    }
    if (*left <= 0) {
        failure = "the token has expired already";
        return std::nullopt;
    }
    return IdentityToken{Secret(std::string(token)), now + std::chrono::seconds(std::min(*left, longest))};
}

std::chrono::seconds renew_after(WallClock::duration lifetime) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
    const auto half = seconds / 2;
    const auto ahead = seconds - std::chrono::duration_cast<std::chrono::seconds>(renew_ahead);
    return std::max(std::chrono::seconds(1), ahead > std::chrono::seconds(0) ? std::min(half, ahead) : half);
}

/// One request to the endpoint; ends with its answer or a reason, once.
class Identity::Fetch : public std::enable_shared_from_this<Fetch> {
  public:
    Fetch(asio::io_context& context, Identity& owner)
        : owner_(&owner), resolver_(context), stream_(context) {}

    void start(const IdentityConfig& config) {
        const ParsedUrl parsed = parse_backend_url(config.endpoint);
        if (!parsed.mistake.empty() || parsed.url.tls)
            return fail("IDENTITY_ENDPOINT is not an http:// address");
        std::string target = parsed.url.base_path + "?api-version=2019-08-01&resource=";
        percent_encode(config.resource, target);
        if (!config.client_id.empty()) percent_encode(config.client_id, target += "&client_id=");
        request_.version(11);
        request_.method(http::verb::get);
        request_.target(target);
        request_.set(http::field::host, parsed.url.authority);
        request_.set("X-IDENTITY-HEADER", std::string(config.endpoint_secret.reveal()));
        parser_.body_limit(answer_bytes_max);
        stream_.expires_after(fetch_limit);
        const std::string port = std::to_string(parsed.url.port);
        resolver_.async_resolve(
            parsed.url.host, port, [self = shared_from_this()](auto failure, const auto& results) {
                if (failure) return self->fail(failure.message());
                self->stream_.async_connect(results, [self](auto connect_failure, const auto&) {
                    if (connect_failure) return self->fail(connect_failure.message());
                    self->exchange();
                });
            });
    }
    void drop() {
        owner_ = nullptr;
        resolver_.cancel();
        stream_.close();
    }

  private:
    void exchange() {
        http::async_write(stream_, request_, [self = shared_from_this()](auto failure, std::size_t) {
            if (failure) return self->fail(failure.message());
            http::async_read(self->stream_, self->buffer_, self->parser_,
                             [self](auto read_failure, std::size_t) {
                                 if (read_failure) return self->fail(read_failure.message());
                                 self->stream_.close();
                                 const auto& response = self->parser_.get();
                                 if (self->owner_ != nullptr)
                                     self->owner_->fetched(response.result_int(), response.body());
                             });
        });
    }
    void fail(const std::string& why) {
        stream_.close();
        if (owner_ != nullptr) std::exchange(owner_, nullptr)->failed(why);
    }

    Identity* owner_;
    tcp::resolver resolver_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response_parser<http::string_body> parser_;
};

Identity::Identity(asio::io_context& context, const IdentityConfig& config, Renewed renewed, Say say)
    : context_(context),
      config_(config),
      renewed_(std::move(renewed)),
      say_(std::move(say)),
      timer_(context) {}

Identity::~Identity() {
    stop();
}

void Identity::start() {
    fetch();
}

void Identity::stop() {
    stopped_ = true;
    timer_.cancel();
    if (fetch_) fetch_->drop();
    fetch_.reset();
}

void Identity::fetch() {
    fetch_ = std::make_shared<Fetch>(context_, *this);
    fetch_->start(config_);
}

void Identity::fetched(unsigned status, std::string_view body) {
    if (status != 200) return failed(fmt::format("the endpoint answered {}", status));
    std::string failure;
    const auto now = WallClock::now();
    const auto token = parse_identity_token(body, now, failure);
    if (!token) return failed(failure);
    if (failures_ > 0 || !expires_) say_("The managed-identity token is here\n");
    failures_ = 0;
    expires_ = token->expires;
    renewed_(token->bearer);
    again_after(renew_after(token->expires - now));
}

void Identity::failed(const std::string& why) {
    if (++failures_ == 1 || failures_ % 10 == 0) {
        say_(fmt::format("Cannot get a managed-identity token: {}; asking again\n", why));
    }
    if (expires_ && WallClock::now() >= *expires_) {
        expires_.reset();
        renewed_(Secret());
    }
    again_after(std::min(retry_most, retry_first * (1U << std::min(failures_ - 1, 6U))));
}

void Identity::again_after(std::chrono::steady_clock::duration wait) {
    if (failures_ > 0 && expires_) {
        // no later than the old token's end, so that it is not used beyond it
        const auto left = *expires_ - WallClock::now();
        wait = std::clamp(std::chrono::duration_cast<std::chrono::steady_clock::duration>(left),
                          std::chrono::steady_clock::duration(retry_first), wait);
    }
    timer_.expires_after(wait);
    timer_.async_wait([this](boost::system::error_code ended) {
        if (!ended && !stopped_) fetch();
    });
}

} // namespace headroom::core
