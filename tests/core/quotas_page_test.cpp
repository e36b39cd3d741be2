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

    QuotasPageTest() : fleet_({spec()}) {
        BackendConfig backend;
        backend.name = "provisioned";
        config_.backends.push_back(backend);
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

    std::string text(net::Time now) {
        return quotas_text({config_, fleet_, {}, now, net::WallTime(std::chrono::hours(24))});
    }

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

} // namespace
} // namespace headroom::core
