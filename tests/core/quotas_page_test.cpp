// /quotas in words: what a quota is believed to be must be readable by people.
#include "balance/lease.hpp"
#include "core/why_page.hpp"

#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using namespace std::chrono_literals;
using balance::Fleet;
using balance::Tokens;

class QuotasPageTest : public ::testing::Test {
  protected:
    static constexpr net::Time start{1h};

    QuotasPageTest() : fleet_({spec()}, options()) {
        BackendConfig backend;
        backend.name = "provisioned";
        config_.backends.push_back(backend);
    }

    static balance::FleetOptions options() {
        balance::FleetOptions options;
        options.late_quantile = 0.99;
        return options;
    }

    static balance::BackendSpec spec() {
        balance::BackendSpec backend;
        backend.name = "provisioned";
        backend.tpm = Tokens(60'000);
        backend.rpm = 6'000;
        backend.overrides = {{"chat", Tokens(0), 0}};
        return backend;
    }

    balance::Lease lease(std::int64_t cost, net::Time now) {
        const balance::Want want{fleet_.key("chat"), Tokens(cost), Tokens(0)};
        return fleet_.take(0, want, balance::Taking::anyway, fleet_.moment(now));
    }

    /// An answer to such a prompt begins after `waited`.
    void answer(const char* deployment, Tokens prompt, balance::Duration waited) {
        const balance::Want want{fleet_.key(deployment), Tokens(100), prompt};
        fleet_.take(0, want, balance::Taking::anyway, fleet_.moment(start)).first_content(waited);
    }

    PageBasis basis(net::Time now) {
        return {config_, fleet_, {}, now, net::WallTime(std::chrono::hours(24))};
    }
    std::string text(net::Time now) { return quotas_text(basis(now)); }
    std::string json(net::Time now) { return quotas_json(basis(now)); }

    Config config_;
    Fleet fleet_;
};

balance::Refusal refusal(balance::Duration wait) {
    balance::Refusal read;
    read.kind = balance::Refusal::Kind::tokens;
    read.retry_after = wait;
    read.stated = true;
    return read;
}

TEST_F(QuotasPageTest, TellsWhatIsAssumed) {
    const balance::Lease one = lease(100, start);
    EXPECT_NE(text(start).find("not learned yet: sliding 60 s"), std::string::npos) << text(start);
}

TEST_F(QuotasPageTest, TellsWhatRefusalsShowOfABucket) {
    // As in balance/refusal_test: 9,500 tokens of 60,000 a minute are saved up.
    const balance::Lease in = lease(9'000, start);
    lease(3'000, start).refused(refusal(2500ms), start);
    const net::Time later = start + 3s;
    const balance::Lease more = lease(3'000, later);
    lease(3'000, later).refused(refusal(2500ms), later);
    const std::string page = text(later);
    EXPECT_NE(page.find("continuous, saves up 10 s and drains 60000 a minute by its refusals, limit 60000"),
              std::string::npos)
        << page;
}

TEST_F(QuotasPageTest, TellsWhatIsLate) {
    for (int answers = 0; answers < 32; ++answers) {
        EXPECT_EQ(text(start).find("late after"), std::string::npos) << "after " << answers << " answers";
        EXPECT_NE(json(start).find(R"("late_after":[])"), std::string::npos) << json(start);
        answer("chat", Tokens(1'000), 412ms);
    }
    EXPECT_NE(text(start).find(", late after 0.412 s for prompts up to 1024 tokens\n"), std::string::npos)
        << text(start);
    for (int answers = 0; answers < 32; ++answers) {
        answer("chat", Tokens(10'000), 3207ms);
        answer("chat", Tokens(300'000), 9310ms);
    }
    constexpr const char* words =
        ", late after 0.412 s for prompts up to 1024 tokens, 3.207 s up to 16384, 9.310 s over 262144";
    EXPECT_NE(text(start).find(words), std::string::npos) << text(start);
    EXPECT_NE(json(start).find(words), std::string::npos) << json(start);
    constexpr const char* numbers =
        R"("late_after":[{"prompt_max":1024,"s":0.412},{"prompt_max":16384,"s":3.207},{"prompt_max":null,"s":9.310}])";
    EXPECT_NE(json(start).find(numbers), std::string::npos) << json(start);
}

/// Nothing is judged late by what deployments that are not told apart had in common.
TEST_F(QuotasPageTest, TellsNothingLateOfAMixture) {
    for (int answers = 0; answers < 64; ++answers)
        answer("unknown", Tokens(1'000), 412ms);
    EXPECT_NE(text(start).find("(others)"), std::string::npos) << text(start);
    EXPECT_EQ(text(start).find("late after"), std::string::npos) << text(start);
}

} // namespace
} // namespace headroom::core
