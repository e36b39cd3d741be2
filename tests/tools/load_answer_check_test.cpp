// Verdicts on whole responses: status, length, digest, equality with the first body, the end of a stream.
#include "tools/load/answer_check.hpp"

#include <gtest/gtest.h>

namespace headroom::load {
namespace {

class LoadAnswerCheck : public testing::Test {
  protected:
    Failure judge(std::string_view body, int status = 200, bool is_event_stream = false) {
        check_.reset();
        return judge_begun(body, status, is_event_stream);
    }

    Failure judge_begun(std::string_view body, int status = 200, bool is_event_stream = false) {
        for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(3, body.size()))) {
            check_.body(body.substr(0, 3), is_event_stream);
        }
        return check_.verdict(status, is_event_stream, false);
    }

    Expectation expectation_;
    Reference reference_;
    AnswerCheck check_{expectation_, reference_};
};

TEST_F(LoadAnswerCheck, WantsAny2xxUnlessTold) {
    EXPECT_EQ(judge("x", 200), Failure::none);
    EXPECT_EQ(judge("x", 299), Failure::none);
    EXPECT_EQ(judge("x", 302), Failure::status);
    EXPECT_EQ(judge("x", 500), Failure::status);
    expectation_.statuses = {200, 429};
    EXPECT_EQ(judge("x", 429), Failure::none);
    EXPECT_EQ(judge("x", 201), Failure::status);
}

TEST_F(LoadAnswerCheck, ComparesLength) {
    expectation_.body_bytes = 5;
    EXPECT_EQ(judge("12345"), Failure::none);
    EXPECT_EQ(judge("1234"), Failure::length);
    EXPECT_EQ(judge("123456"), Failure::length);
    EXPECT_EQ(judge(""), Failure::length);
}

TEST_F(LoadAnswerCheck, ComparesDigest) {
    expectation_.body_sha256 = from_hex("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    AnswerCheck check{expectation_, reference_};
    check.reset();
    check.body("hel", false);
    check.body("lo", false);
    EXPECT_EQ(check.verdict(200, false, false), Failure::none);
    check.reset();
    check.body("hallo", false);
    EXPECT_EQ(check.verdict(200, false, false), Failure::body);
    check.reset();
    check.body("hello", false);
    EXPECT_EQ(check.verdict(200, false, false), Failure::none);
}

TEST_F(LoadAnswerCheck, ComparesWithTheFirstBody) {
    expectation_.same_body = true;
    AnswerCheck early{expectation_, reference_};
    AnswerCheck early_other{expectation_, reference_};
    for (AnswerCheck* check : {&early, &early_other})
        check->reset(); // begun before there is a first body
    EXPECT_EQ(judge("the same"), Failure::none);
    EXPECT_TRUE(reference_.known);
    EXPECT_EQ(judge("the same"), Failure::none);
    EXPECT_EQ(judge("the sane"), Failure::body);
    EXPECT_EQ(judge("the same and more"), Failure::body);
    EXPECT_EQ(judge("the"), Failure::body);
    early.body("the same", false);
    EXPECT_EQ(early.verdict(200, false, false), Failure::none);
    early_other.body("another", false);
    EXPECT_EQ(early_other.verdict(200, false, false), Failure::body);
}

TEST_F(LoadAnswerCheck, NeverLearnsFromAFailure) {
    EXPECT_EQ(judge("an error", 500), Failure::status);
    EXPECT_FALSE(reference_.known);
    EXPECT_EQ(judge("good"), Failure::none);
    EXPECT_EQ(reference_.body, "good");
}

TEST_F(LoadAnswerCheck, DoesNotKeepHugeBodiesAndSaysSoWhenItHadTo) {
    reference_.bytes_max = 4;
    EXPECT_EQ(judge("12345"), Failure::none);
    EXPECT_FALSE(reference_.known);
    expectation_.same_body = true;
    EXPECT_EQ(judge("12345"), Failure::body);
}

TEST_F(LoadAnswerCheck, WantsStreamsToEnd) {
    EXPECT_EQ(judge("data: 1\n\ndata: [DONE]\n\n", 200, true), Failure::none);
    EXPECT_EQ(judge("data: 1\n\n", 200, true), Failure::stream);
    EXPECT_EQ(judge("data: {\"error\":{}}\n\ndata: [DONE]\n\n", 200, true), Failure::stream);
    EXPECT_EQ(judge("data: 1\n\n", 200, false), Failure::none) << "no event stream by its content type";
    expectation_.stream_end = false;
    EXPECT_EQ(judge("data: 1\n\n", 200, true), Failure::none);
}

TEST(LoadDigest, RoundTripsAsHex) {
    const Sha256 digest = sha256("hello");
    EXPECT_EQ(to_hex(digest), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_EQ(from_hex("2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"), digest);
    EXPECT_FALSE(from_hex("2cf2"));
    EXPECT_FALSE(from_hex(std::string(64, 'g')));
}

} // namespace
} // namespace headroom::load
