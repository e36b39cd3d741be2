// Which ids of a request matter, which pin wins, and what is remembered afterwards.
#include "core/affinity.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {
namespace {

using balance::IdMembers;
using namespace std::chrono_literals;

constexpr balance::Time now{1h};
constexpr std::uint64_t everybody = 0b1111;

std::vector<std::string> path_ids(std::string_view path, std::string_view query = {}) {
    const Route route = route_of(path, query);
    std::array<std::string, Affinity::path_ids_max> out;
    const std::size_t count = ids_in_path(route, out);
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)};
}

using Ids = std::vector<std::string>;

TEST(IdsInPath, AreWhatIsNoWordOfTheApi) {
    EXPECT_EQ(path_ids("/openai/v1/responses/resp_1"), Ids{"resp_1"});
    EXPECT_EQ(path_ids("/v1/responses/resp_1/cancel"), Ids{"resp_1"});
    EXPECT_EQ(path_ids("/responses/resp_1/input_items"), Ids{"resp_1"});
    EXPECT_EQ(path_ids("/openai/responses/resp_1", "api-version=2025-03-01-preview"), Ids{"resp_1"});
    EXPECT_EQ(path_ids("/v1/threads/thread_1/runs/run_2/steps/step_3"), (Ids{"thread_1", "run_2", "step_3"}));
    EXPECT_EQ(path_ids("/v1/threads/thread_1/runs/run_2/submit_tool_outputs"), (Ids{"thread_1", "run_2"}));
    EXPECT_EQ(path_ids("/v1/fine_tuning/jobs/ftjob-1/events"), Ids{"ftjob-1"});
    EXPECT_EQ(path_ids("/v1/vector_stores/vs_1/file_batches/vsfb_2/files"), (Ids{"vs_1", "vsfb_2"}));
    EXPECT_EQ(path_ids("/v1/files/file-1/content"), Ids{"file-1"});
    EXPECT_EQ(path_ids("/v1/chat/completions/chatcmpl-1/messages"), Ids{"chatcmpl-1"});
    EXPECT_EQ(path_ids("/v1/containers/cntr_1/files/cfile_2/content"), (Ids{"cntr_1", "cfile_2"}));
    EXPECT_EQ(path_ids("/v1/evals/eval_1/runs/evalrun_2/output_items/x_3"),
              (Ids{"eval_1", "evalrun_2", "x_3"}));
    EXPECT_EQ(path_ids("/v1/uploads/upload_1/parts"), Ids{"upload_1"});
    EXPECT_EQ(path_ids("/v1/batches/batch%5f1/cancel"), Ids{"batch_1"});
}

TEST(IdsInPath, AreNotInPathsThatNameNoObject) {
    for (const std::string_view path :
         {"/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens", "/v1/threads/runs",
          "/v1/files", "/v1/models/gpt-4o", "/openai/deployments/gpt-4o",
          "/openai/deployments/gpt-4o/chat/completions", "/v1/chat/completions", "/v1/embeddings",
          "/v1/audio/speech", "/v1/realtime", "/v1/moderations/x1", "/nowhere/at/all", "/v1/files/",
          "/v1/vector_stores/"})
        EXPECT_EQ(path_ids(path), Ids{}) << path;
    EXPECT_EQ(path_ids("/v1/files/" + std::string(300, 'x')), Ids{});
    EXPECT_EQ(path_ids("/v1/files/file%2"), Ids{}) << "a broken escape";
    EXPECT_EQ(path_ids("/v1/threads/a1/b2/c3/d4/e5/f6").size(), Affinity::path_ids_max);
}

class AffinityTest : public testing::Test {
  protected:
    Affinity read(std::string_view path, std::string_view json = {}) {
        RequestBody body(pool_);
        // byte by byte: ids are cut everywhere
        for (const char c : json) {
            net::Slice slice = pool_.acquire_slice(net::BlockSize::small);
            slice.append({&c, 1});
            EXPECT_TRUE(body.append(std::move(slice)));
        }
        Affinity affinity;
        affinity.read(route_of(path, {}), json.empty() ? nullptr : &body, pins_, now);
        return affinity;
    }
    void pin(std::string_view id, std::uint32_t backend) {
        pins_.put(balance::id_hash(id, pins_.seed()), backend, now);
    }
    std::optional<std::uint32_t> where(std::string_view id) {
        return pins_.find(balance::id_hash(id, pins_.seed()), now);
    }

    net::BufferPool pool_{1 << 22};
    balance::PinTable pins_{1024, 3};
};

TEST_F(AffinityTest, APinLeavesExactlyItsBackend) {
    pin("resp_1", 2);
    const Affinity known = read("/v1/responses", R"({"previous_response_id":"resp_1"})");
    EXPECT_EQ(known.narrow(everybody), 0b100U);
    EXPECT_EQ(known.narrow(0b1011), 0U) << "that it cannot be asked moves nothing";
    const Affinity unknown = read("/v1/responses", R"({"previous_response_id":"resp_2"})");
    EXPECT_TRUE(unknown.named());
    EXPECT_EQ(unknown.narrow(everybody), everybody);
    EXPECT_FALSE(read("/v1/responses", R"({"input":"resp_1"})").named());
}

TEST_F(AffinityTest, ThePathWinsAndThenTheFirstKnownOfTheBody) {
    pin("thread_1", 1);
    pin("asst_2", 2);
    pin("file-3", 3);
    EXPECT_EQ(read("/v1/threads/thread_1/runs", R"({"assistant_id":"asst_2"})").pinned(), 1U);
    EXPECT_EQ(read("/v1/threads/thread_9/runs", R"({"assistant_id":"asst_2"})").pinned(), 2U);
    EXPECT_EQ(read("/v1/responses", R"({"a":[{"file_id":"file-9"},{"file_id":"file-3"}]})").pinned(), 3U);
}

TEST_F(AffinityTest, EachOperationHasItsOwnMembers) {
    pin("x", 1);
    EXPECT_FALSE(
        read("/v1/chat/completions", R"({"metadata":{"thread_id":"x","conversation":"x"}})").named());
    EXPECT_TRUE(read("/v1/chat/completions", R"({"messages":[{"file_id":"x"}]})").named());
    EXPECT_FALSE(read("/v1/embeddings", R"({"file_id":"x"})").named());
    EXPECT_TRUE(read("/v1/batches", R"({"input_file_id":"x"})").named());
    EXPECT_FALSE(read("/v1/responses", R"({"metadata":{"thread_id":"x"}})").named());
}

TEST_F(AffinityTest, SuccessIsRememberedAndDeletionForgotten) {
    read("/v1/threads/thread_1/messages/msg_2").found_at(3, false, pins_, now);
    EXPECT_EQ(where("thread_1"), 3U);
    EXPECT_EQ(where("msg_2"), 3U);
    read("/v1/threads/thread_1/messages/msg_2").found_at(3, true, pins_, now);
    EXPECT_EQ(where("thread_1"), 3U);
    EXPECT_FALSE(where("msg_2"));
}

TEST_F(AffinityTest, APinThatProvesWrongIsForgottenIfItIsTheOnlyOne) {
    pin("resp_1", 1);
    pin("file-1", 1);
    read("/v1/responses/resp_1", R"({"file_id":"file-1"})").forget(pins_);
    EXPECT_TRUE(where("resp_1"));
    read("/v1/responses/resp_1").forget(pins_);
    EXPECT_FALSE(where("resp_1"));
}

TEST_F(AffinityTest, TooManyIdsAreCut) {
    std::string body = R"({"file_ids":[)";
    for (int i = 0; i < 500; ++i)
        body += "\"file-" + std::to_string(i) + "\",";
    body.back() = ']';
    pin("file-499", 1);
    EXPECT_FALSE(read("/v1/vector_stores", body + "}").pinned());
    pin("file-" + std::to_string(Affinity::ids_max - 1), 2);
    EXPECT_EQ(read("/v1/vector_stores", body + "}").pinned(), 2U);
}

TEST(LearnedMembers, AreThoseOfWhatIsStored) {
    const auto of = [](std::string_view path, bool stores) {
        return learned_members(route_of(path, {}), stores);
    };
    EXPECT_FALSE(of("/v1/chat/completions", false));
    EXPECT_TRUE(of("/v1/chat/completions", true));
    EXPECT_FALSE(of("/v1/embeddings", true));
    EXPECT_TRUE(has(*of("/v1/responses", true), IdMembers::own));
    EXPECT_FALSE(has(*of("/v1/responses", false), IdMembers::own));
    EXPECT_TRUE(has(*of("/v1/responses", false), IdMembers::responses))
        << "encrypted content is bound as well";
    EXPECT_TRUE(of("/v1/files", true));
    EXPECT_FALSE(of("/v1/files/file-1/content", true));
}

} // namespace
} // namespace headroom::core
