// The help text of load.
#include "tools/load/options.hpp"

namespace headroom::load {
namespace {

constexpr std::string_view text =
    R"(load: send HTTP/1.1 requests at a fixed rate, or as fast as they are answered, and measure the answers.

  load [options] URL

How fast
  -c, --connections N   keep-alive connections (1)
  -r, --rate N          open loop: N requests per second in all, due at fixed times whatever the server does. Latency counts
                        from the time a request was due, so waiting for a slow server is part of it (no coordinated omission)
                        Without --rate: closed loop, every connection sends again as soon as it has its answer (saturation)
  --arrivals KIND       with --rate: even (default), or poisson like independent users
  --seed N              replays poisson arrivals and the ramp (1)
  --ramp TIME           closed loop: connections begin at random times within TIME (0), so that streams do not beat in step
  -d, --duration TIME   how long to measure: 500ms, 10s, 2m (10s)
  -n, --requests N      measure N requests instead of a duration
  --warmup TIME         run before measuring; failures still count (1s; 0 with --requests)
  --timeout TIME        a request without a whole answer by then has failed (60s)
  -t, --threads N       worker threads that share the connections and the rate (1)

What to send
  --body-bytes N        POST a chat completion of exactly N bytes, made up of English words
  --stream              ... that asks for a stream
  --body TEXT, --body-file FILE
                        POST this instead
  -X, --method NAME     instead of POST (with a body) or GET (without)
  -H, --header 'N: v'   add a field, or replace Host, Content-Type or User-Agent; again for more

Replay a trace (chat completions at their recorded times, whatever the server does)
  --trace FILE          Azure's LLM inference traces (TIMESTAMP,ContextTokens,GeneratedTokens), Mooncake's JSON lines (equal
                        hash_ids give equal text), or time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix (seconds)
  --time-scale K        rows are due at their time / K, as mock_azure --time-scale K counts (1); reported times are real
  --trace-limit N       the first N rows only
  --trace-part I/N      of these every Nth from the Ith on, at their own times: N runs share a trace among N servers
  --max-tokens N|trace|given|none
                        max_tokens of the requests; trace (default): the row's, else its answer rounded up to a power of two;
                        given: the row's, else none
  --load F --quota TPM  faster or slower than recorded, so that characters / 4 + max_tokens per minute are F of TPM
  --model NAME          in the bodies (chat)
                        Prompts are words of one token each; their length is asked of mock_azure by [[tokens=N]]. Connections
                        are opened as needed, --connections at most (2048). --stream asks for streams

What to expect (a request that gets something else has failed)
  --expect-status LIST  such as 200,429; default: any 2xx
  --expect-length N     bytes of body, without framing
  --expect-sha256 HEX   digest of the body, without framing
  --same-body           every body equals the first one (up to 64 MiB)
  --any-stream-end      an event stream need not end with `data: [DONE]` or the Responses API's last event

TLS (https URLs; certificates are verified)
  --ca FILE             trust this PEM instead of the system's store
  --insecure            do not verify; for tests

Results
  --json                one JSON object on standard output instead of the table
  --watch-pid LIST      also measure the CPU time of these processes over exactly the measured time
  --allow-errors        exit 0 although requests failed
  -q, --quiet           no progress line on standard error

Exit codes: 0 all went well, 1 a request failed, 2 wrong usage or no connection at the start, 130 interrupted.

Examples
  load -c 64 -d 5s --body-bytes 2048 http://127.0.0.1:8080/v1/chat/completions
  load -c 256 -r 10000 -d 30s --body-file request.json -H 'api-key: test' --json http://127.0.0.1:8080/v1/responses
  load --trace docs/examples/traces/bursty.csv --load 0.9 --quota 120000 --json http://127.0.0.1:8080/v1/chat/completions
  load -c 600 -n 600 --body-bytes 2048 --stream http://127.0.0.1:8080/v1/chat/completions
)";

} // namespace

std::string_view help_text() noexcept {
    return text;
}

} // namespace headroom::load
