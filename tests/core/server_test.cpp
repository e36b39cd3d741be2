// What the balancer is told of a configuration.
#include "core/server.hpp"

#include "balance/balancer.hpp"
#include "tests/core/config/loading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using balance::Taking;
using balance::Time;
using balance::Tokens;

class BackendSpecs : public testing::Loading {};

TEST_F(BackendSpecs, TwoNamesOfOneDeploymentAreOneQuota) {
    const auto loaded =
        load_environment({{"BACKEND_1_URL", "https://a.openai.azure.com/openai/v1"},
                          {"BACKEND_1_APIKEY", "k"},
                          {"BACKEND_1_TPM", "1000"},
                          {"BACKEND_1_DEPLOYMENTS", "chat=gpt,helper=gpt,embedding=vectors"}});
    ASSERT_THAT(mistakes(loaded), ::testing::IsEmpty());
    const BackendConfig& backend = loaded.config.backends.at(0);
    balance::Fleet fleet(backend_specs(loaded.config));
    const auto now = fleet.moment(Time(std::chrono::hours(1)));
    const auto want = [&](std::string_view client_name) {
        const DeploymentConfig* mapped = backend.find_deployment(client_name);
        const std::string_view name =
            mapped != nullptr ? std::string_view(mapped->upstream_name) : client_name;
        return balance::Want{.deployment = fleet.key(name), .cost = Tokens(600), .prompt = Tokens(600)};
    };
    const balance::Lease lease = fleet.take(0, want("chat"), Taking::if_fits, now);
    ASSERT_TRUE(lease);
    EXPECT_FALSE(fleet.take(0, want("helper"), Taking::if_fits, now)) << "counted apart from chat";
    EXPECT_FALSE(fleet.take(0, want("gpt"), Taking::if_fits, now)) << "its own name, counted apart from chat";
    EXPECT_TRUE(fleet.take(0, want("embedding"), Taking::if_fits, now))
        << "another deployment, another quota";
}

TEST_F(BackendSpecs, AQuotaOfUsageGivesBackWhatWasNotUsed) {
    for (const bool usage : {false, true}) {
        const auto loaded = load_environment({{"BACKEND_1_URL", "https://a.openai.azure.com/openai/v1"},
                                              {"BACKEND_1_APIKEY", "k"},
                                              {"BACKEND_1_TPM", "1000"},
                                              {"BACKEND_1_RPM", "6000"},
                                              {"BACKEND_1_CHARGING", usage ? "usage" : "arrival"}});
        ASSERT_THAT(mistakes(loaded), ::testing::IsEmpty());
        balance::Fleet fleet(backend_specs(loaded.config));
        const Time start{std::chrono::hours(1)};
        const auto now = fleet.moment(start);
        const balance::Want want{.deployment = fleet.key("gpt"), .cost = Tokens(800), .prompt = Tokens(100)};
        balance::Lease lease = fleet.take(0, want, Taking::if_fits, now);
        ASSERT_TRUE(lease);
        lease.success(start);
        lease.settle({Tokens(100), Tokens(50), Tokens(150), Tokens(0), Tokens(0)}, start);
        EXPECT_EQ(static_cast<bool>(fleet.take(0, want, Taking::if_fits, now)), usage);
    }
}

} // namespace
} // namespace headroom::core
