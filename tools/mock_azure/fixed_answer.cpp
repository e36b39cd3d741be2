// Builds canned answers with the real heads.
#include "tools/mock_azure/fixed_answer.hpp"

#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/reply_head.hpp"
#include "tools/mock_azure/sse.hpp"

namespace headroom::mock {

namespace {

ReplyHead fixed_head() {
    ReplyHead head;
    head.region = "East US";
    head.deployment = "chat";
    head.model = "gpt-4o-2024-11-20";
    head.request_id = uuid(0x1234567890abcdefULL, 0xfedcba0987654321ULL);
    return head;
}

Answer fixed_answer_of(std::size_t tokens) {
    Answer answer;
    answer.id = "chatcmpl-00000000000000000000000000000000";
    answer.created = 1'767'225'600;
    answer.model = "gpt-4o-2024-11-20";
    answer.include_usage = true;
    answer.choices.emplace_back();
    answer.choices.front().tokens.assign(tokens, " token");
    answer.usage = {200, static_cast<std::int64_t>(tokens), 0};
    return answer;
}

} // namespace

FixedAnswer make_fixed_answer(const FixedOptions& options) {
    FixedAnswer fixed;
    fixed.json = options.json;
    fixed.sse = options.sse;
    fixed.sse_chunks = options.sse_chunks;
    fixed.sse_interval = options.sse_interval;
    fixed.sse_step = options.sse_step;
    Answer answer = fixed_answer_of(1);
    const std::size_t bare = chat_body(answer).size();
    const auto wished = static_cast<std::size_t>(options.json_bytes);
    if (wished > bare) answer.choices.front().tokens.emplace_back(std::string(wished - bare, 'x'));
    const std::string body = chat_body(answer);
    ReplyHead head = fixed_head();
    head.content_length = static_cast<std::int64_t>(body.size());
    fixed.json_reply = serialize(head, {}) + body;

    head = fixed_head();
    head.content_type = "text/event-stream; charset=utf-8";
    head.chunked = true;
    head.streaming = true;
    fixed.sse_head = serialize(head, {});
    const auto source = chat_events(fixed_answer_of(1));
    Event event;
    for (int index = 0; source->next(&event); ++index) {
        const std::string chunk = chunk_text(sse_text(event));
        std::string& part = index < 2 ? fixed.sse_head : index == 2 ? fixed.sse_chunk : fixed.sse_tail;
        part += chunk;
    }
    fixed.sse_tail += "0\r\n\r\n";
    return fixed;
}

} // namespace headroom::mock
