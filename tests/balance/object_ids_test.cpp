// Ids of stored objects in requests, answers and streams, at every split, and nothing for other members.
#include "balance/object_ids.hpp"

#include "tests/balance/random.hpp"
#include "tests/balance/random_json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

constexpr std::uint64_t seed = 11;
constexpr IdMembers asked = IdMembers::files | IdMembers::responses | IdMembers::resources;
constexpr IdMembers told = asked | IdMembers::own;

struct Found final : IdSink {
    std::vector<std::uint64_t> ids;
    void on_id(std::uint64_t id) noexcept override { ids.push_back(id); }
};

std::vector<std::uint64_t> found_in(std::string_view body, IdMembers members, std::size_t piece_bytes) {
    Found found;
    ObjectIdScan scan(members, seed);
    for (std::size_t at = 0; at < body.size(); at += piece_bytes) {
        // a copy of exactly the piece, so that a read beyond it is seen
        const std::size_t size = std::min(piece_bytes, body.size() - at);
        const auto piece = std::make_unique<char[]>(size);
        std::copy_n(body.data() + at, size, piece.get());
        scan.feed({piece.get(), size}, found);
    }
    return found.ids;
}

std::vector<std::uint64_t> hashes(const std::vector<std::string>& ids) {
    std::vector<std::uint64_t> all;
    all.reserve(ids.size());
    for (const std::string& id : ids)
        all.push_back(id_hash(id, seed));
    return all;
}

/// Whole, cut once anywhere, and in pieces of every size.
void expect_ids(std::string_view body, IdMembers members, const std::vector<std::string>& ids) {
    const auto expected = hashes(ids);
    ASSERT_EQ(found_in(body, members, body.size()), expected) << body;
    for (std::size_t cut = 1; cut < body.size(); ++cut) {
        Found found;
        ObjectIdScan scan(members, seed);
        scan.feed(body.substr(0, cut), found);
        scan.feed(body.substr(cut), found);
        ASSERT_EQ(found.ids, expected) << body << " cut at " << cut;
    }
    for (std::size_t size = 1; size < 40; ++size)
        ASSERT_EQ(found_in(body, members, size), expected) << body << " in pieces of " << size;
}

TEST(ObjectIdScan, FindsWhatARequestRefersTo) {
    expect_ids(R"({"model":"m","previous_response_id":"resp_1","input":"x"})", asked, {"resp_1"});
    expect_ids(R"({"conversation":"conv_1"})", asked, {"conv_1"});
    expect_ids(R"({"conversation" : { "id" : "conv_1" } , "input":[]})", asked, {"conv_1"});
    expect_ids(R"({"input_file_id":"file-1","endpoint":"/v1/responses"})", asked, {"file-1"});
    expect_ids(R"({"training_file":"file-1","validation_file":"file-2"})", asked, {"file-1", "file-2"});
    expect_ids(R"({"assistant_id":"asst_1","thread_id":"thread_2"})", asked, {"asst_1", "thread_2"});
    expect_ids(R"({"tools":[{"type":"file_search","vector_store_ids":["vs_1", "vs_2"]},)"
               R"({"type":"code_interpreter","container":{"type":"auto","file_ids":["f1"]}}]})",
               asked, {"vs_1", "vs_2", "f1"});
    expect_ids(R"({"tools":[{"type":"code_interpreter","container":"cntr_1"}]})", asked, {"cntr_1"});
    expect_ids(R"({"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]})", asked,
               {"file-1"});
    expect_ids(R"({"input":[{"type":"item_reference","id":"rs_1"},{"id":"msg_2","type":"message"}]})", asked,
               {"rs_1"});
}

TEST(ObjectIdScan, FindsNothingElse) {
    for (const std::string_view body :
         {R"({"previous_response_id":null,"conversation":null,"file_ids":[],"container":{"type":"auto"}})",
          R"({"id":"x","input":[{"id":"msg_1"}],"tools":[{"id":"t"}]})", R"({"file_id":""})",
          R"({"input":"\"file_id\":\"f1\" and \\\"thread_id\\\": \"t\""})",
          R"({"input":["file_id","thread_id"],"file_id":7,"a":"file_id"})",
          R"({"file_id_":"f","xfile_id":"g","file_i":"h","container_ids_of_a_long_name_":"k"})", "", "\"",
          "\\", R"({"model":"o1","content":"no conversation"})"})
        expect_ids(body, asked, {});
}

TEST(ObjectIdScan, ListensOnlyToTheMembersItIsAskedFor) {
    const std::string_view body =
        R"({"previous_response_id":"resp_1","file_id":"file-1","thread_id":"thread_1","id":"own"})";
    expect_ids(body, IdMembers::files, {"file-1"});
    expect_ids(body, IdMembers::responses, {"resp_1"});
    expect_ids(body, IdMembers::resources, {"thread_1"});
    expect_ids(body, IdMembers::own, {"own"});
}

TEST(ObjectIdScan, FindsWhatAnAnswerTellsOf) {
    expect_ids(
        R"({"id":"any-form","object":"thing","choices":[{"message":{"tool_calls":[{"id":"call_1"}]}}]})",
        told, {"any-form"});
    expect_ids(
        R"({"object":"list","data":[{"id":"file-1"},{"id":"file-2"},{"id":"call_3"}],"has_more":false})",
        told, {"file-1", "file-2"});
    expect_ids(R"({"id":"batch_1","input_file_id":"file-1","output_file_id":"file-2","error_file_id":null})",
               told, {"batch_1", "file-1", "file-2"});
    expect_ids(R"({"id":"resp_1","output":[{"id":"rs_1","encrypted_content":"gAAA=="},{"id":"msg_1"}]})",
               told, {"resp_1", "rs_1", "gAAA==", "msg_1"});
    expect_ids(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n"
        "event: response.output_text.delta\ndata: "
        "{\"item_id\":\"msg_1\",\"delta\":\"\\\"id\\\":\\\"rs_9\\\"\"}\n\n"
        "event: response.output_item.done\ndata: "
        "{\"item\":{\"id\":\"rs_1\",\"encrypted_content\":\"gA\"}}\n\n",
        told, {"resp_1", "rs_1", "gA"});
}

TEST(ObjectIdScan, EncryptedContentIsTheSameHoweverItIsEscapedAndHoweverLongItIs) {
    expect_ids(R"({"encrypted_content":"gA\/b\u002Bc\u003d"})", asked, {"gA/b+c="});
    std::string text;
    Random random(5);
    while (text.size() < 3000)
        text += static_cast<char>('a' + random.below(26));
    const std::string body = R"({"encrypted_content":")" + text + R"(","file_id":"after"})";
    const auto expected = hashes({text, "after"});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{256}, std::size_t{279},
                                    std::size_t{280}, std::size_t{281}, body.size()})
        EXPECT_EQ(found_in(body, asked, piece), expected) << piece;
    const std::string exact = R"({"encrypted_content":")" + text.substr(0, IdHash::bytes_max) + R"("})";
    expect_ids(exact, asked, {text.substr(0, IdHash::bytes_max)});
}

TEST(ObjectIdScan, ListsOfManyAreCutNotKept) {
    std::string body = R"({"data":[)";
    for (int i = 0; i < 5000; ++i)
        body += R"({"id":"file-)" + std::to_string(i) + "\"},";
    body.back() = ']';
    EXPECT_EQ(found_in(body + "}", told, 1000).size(), ObjectIdScan::ids_max);
}

TEST(ObjectIdScan, FindsTheSameAtAnySplitOfAnyDocument) {
    for (const std::uint64_t number : seeds(300)) {
        SCOPED_TRACE(seed_note(number));
        Random random(number);
        RandomJson json(random);
        std::string document = R"({"file_id":"first","rest":)" + json.request();
        const char* const tails[] = {R"(,"thread_id":"last"})", R"(,"file_ids" : [ "a\"b" , "c" ]})",
                                     R"(,"x":"ends with a backslash\\","encrypted_content":"e"})"};
        document += random.pick(tails);
        const auto whole = found_in(document, told, document.size());
        EXPECT_GE(whole.size(), 2U);
        for (int i = 0; i < 5; ++i) {
            const std::size_t piece = 1 + random.below(50);
            ASSERT_EQ(found_in(document, told, piece), whole) << document << " in pieces of " << piece;
        }
    }
}

TEST(ObjectIdScan, SurvivesWhatIsNoJson) {
    for (const std::uint64_t number : seeds(300)) {
        SCOPED_TRACE(seed_note(number));
        Random random(number);
        std::string noise = RandomJson(random).damaged();
        const char* const parts[] = {"\"file_ids\":[",    "\"id\":\"", "\\", "\"", "\\u12", "\n",
                                     "\"conversation\":{"};
        for (int i = 0; i < 20; ++i)
            noise.insert(random.below(noise.size()), random.pick(parts));
        EXPECT_LE(found_in(noise, told, 1 + random.below(30)).size(), ObjectIdScan::ids_max);
    }
}

} // namespace
} // namespace headroom::balance
