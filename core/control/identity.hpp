// Identity: the managed-identity token that backends without a key are asked with, fetched ahead of need.
// Azure App Service / Container Apps protocol, api-version 2019-08-01: GET IDENTITY_ENDPOINT with the
// X-IDENTITY-HEADER. Promises: one token for all requests, renewed before it expires; the old one is used
// until its expiry while the endpoint fails; neither token nor header is ever logged.
#pragma once

#include "core/config.hpp"
#include "core/secret.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::core {

/// What the endpoint gave.
struct IdentityToken {
    Secret bearer;
    std::chrono::system_clock::time_point
        expires; ///< From expires_on (Unix seconds, a number or a string) or expires_in.
};

/// Reads the endpoint's JSON; nullopt, with the reason in `failure` (which quotes nothing), when it is not a
/// token.
[[nodiscard]] std::optional<IdentityToken> parse_identity_token(std::string_view json,
                                                                std::chrono::system_clock::time_point now,
                                                                std::string& failure);
/// When to ask for the next one: at half of what is left, at least five minutes before expiry if it lives
/// that long.
[[nodiscard]] std::chrono::seconds renew_after(std::chrono::system_clock::duration lifetime);

class Identity {
  public:
    using Renewed = std::function<void(const Secret& bearer)>; ///< Empty: the old one has expired and there
                                                               ///< is no new one.
    using Say = std::function<void(std::string line)>;

    Identity(boost::asio::io_context& context, const IdentityConfig& config, Renewed renewed, Say say);
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;
    ~Identity();

    void start();
    void stop();

  private:
    class Fetch;

    void fetch();
    void fetched(unsigned status, std::string_view body);
    void failed(const std::string& why);
    void again_after(std::chrono::steady_clock::duration wait);

    boost::asio::io_context& context_;
    const IdentityConfig& config_;
    Renewed renewed_;
    Say say_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<Fetch> fetch_;
    std::optional<std::chrono::system_clock::time_point> expires_;
    unsigned failures_ = 0;
    bool stopped_ = false;
};

} // namespace headroom::core
