// What HTTP costs per message: reading heads, chunked bodies and whole small messages, and writing heads.
// The heads are those of the openai npm client and of an Azure OpenAI answer.
#include "net/http/parser.hpp"
#include "net/http/reader.hpp"
#include "net/http/writer.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

namespace headroom::net {
namespace {

constexpr std::string_view request_head =
    "POST /openai/deployments/chat/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "Accept: application/json\r\n"
    "Content-Type: application/json\r\n"
    "User-Agent: AzureOpenAI/JS 4.104.0\r\n"
    "X-Stainless-Lang: js\r\n"
    "X-Stainless-Retry-Count: 0\r\n"
    "api-key: 0123456789abcdef0123456789abcdef\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Content-Length: 64\r\n\r\n";

constexpr std::string_view response_head =
    "HTTP/1.1 200 OK\r\n"
    "Content-Length: 64\r\n"
    "Content-Type: application/json\r\n"
    "apim-request-id: 01234567-89ab-cdef-0123-456789abcdef\r\n"
    "x-ms-region: East US\r\n"
    "x-ratelimit-remaining-requests: 449\r\n"
    "x-ratelimit-limit-requests: 450\r\n"
    "x-request-id: 01234567-89ab-cdef-0123-456789abcdef\r\n"
    "Strict-Transport-Security: max-age=31536000\r\n"
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n";

template <typename Parser>
void read_head(benchmark::State& state, std::string_view head) {
    Parser parser;
    for (auto _ : state) {
        std::size_t consumed = 0;
        benchmark::DoNotOptimize(parser.read_head(head, consumed));
        benchmark::DoNotOptimize(parser.head().content_length());
        parser.reset();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

void request_heads(benchmark::State& state) {
    read_head<RequestParser>(state, request_head);
}
BENCHMARK(request_heads);

void response_heads(benchmark::State& state) {
    read_head<ResponseParser>(state, response_head);
}
BENCHMARK(response_heads);

/// A request as a session reads it: pushed, head and body taken, finished.
void whole_requests(benchmark::State& state) {
    BufferPool pool(std::size_t{1} << 20);
    Stream stream;
    RequestReader reader(stream, pool);
    const std::string text = std::string(request_head) + std::string(64, 'x');
    for (auto _ : state) {
        Slice received = pool.acquire_slice(BlockSize::small);
        received.append(text);
        reader.push(std::move(received));
        BodyParts parts;
        benchmark::DoNotOptimize(reader.try_read_head() && reader.try_read_body(parts));
        reader.finish_message();
    }
}
BENCHMARK(whole_requests);

/// An event stream as backends send it: one event per chunk, several chunks per receive.
void chunked_events(benchmark::State& state) {
    std::string coded;
    for (int i = 0; i < 8; ++i)
        coded += "c8\r\n" + std::string(200, 'e') + "\r\n";
    ResponseParser parser;
    std::size_t consumed = 0;
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    parser.read_head(head, consumed);
    for (auto _ : state) {
        BodySpans spans;
        benchmark::DoNotOptimize(parser.read_body(coded, consumed, spans));
        benchmark::DoNotOptimize(spans.count);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * 8));
}
BENCHMARK(chunked_events);

/// The request as it goes on to a backend.
void forwarded_heads(benchmark::State& state) {
    RequestParser parser;
    std::size_t consumed = 0;
    parser.read_head(request_head, consumed);
    const Head& head = parser.head();
    std::array<char, 2048> memory;
    for (auto _ : state) {
        HeadWriter writer(memory);
        writer.request_line(head.method(), head.path(), head.query()).field("Host", "backend.example.com");
        writer.copy_end_to_end(head, [](const Head::Field& field) { return field.id != FieldId::host; });
        writer.field("Content-Length", *head.content_length()).end();
        benchmark::DoNotOptimize(writer.view());
    }
}
BENCHMARK(forwarded_heads);

} // namespace
} // namespace headroom::net
