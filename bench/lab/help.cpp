// What headroom-lab says of itself.
#include "bench/lab/generators.hpp"
#include "bench/lab/options.hpp"

#include <fmt/format.h>

#include <iterator>

namespace headroom::lab {
namespace {

constexpr std::string_view text =
    R"(headroom-lab: what would have happened with another way of choosing backends, in simulated time.

  headroom-lab compare --fleet FILE --trace FILE|NAME [options]
      every strategy over the same requests and the same luck, beside bounds that none can pass
  headroom-lab what-if --fleet FILE --trace FILE|NAME [options]
      other quotas, another region, a backend less, provisioned throughput; and the plan with the fewest 429s for the same
      total, with the Azure CLI commands for it
  headroom-lab live --fleet FILE --trace FILE|NAME [options]
      the real programs headroom, mock_azure and load in scaled time, beside the simulation of the same
  headroom-lab strategies
      the strategies and where they come from

What comes
  --fleet FILE        the backends as docs/lab.md describes them; examples in docs/examples/lab
  --trace FILE        arrivals; the format is told by the first line:
                        Azure's CSV      TIMESTAMP,ContextTokens,GeneratedTokens
                        Mooncake's JSON  {"timestamp":ms,"input_length":N,"output_length":N,"hash_ids":[...]} per line
                        plain CSV        time,prompt_tokens,completion_tokens[,max_tokens,tenant,prefix]; time in seconds
                        an access log    of Headroom with log.format json
  --deployment NAME   of an access log, this deployment only; a quota belongs to one
  --load 50%,100%     stretches the trace until quotas are asked for so much; 50%..150% goes in steps of 10%
  --scale F           stretches its times by F instead; 0.5 is twice as fast
  --minutes N         only what comes within the first N minutes, after stretching
  --requests N        how many of a made-up workload (3000)
  --cap usual|none|N  max_tokens where the trace has none: the next power of two above the answer (usual), none, or N
  --seed S            of made-up requests, latencies, faults and strategies (1)

Made-up workloads, for --trace NAME
)";

constexpr std::string_view rest =
    R"(
compare
  --strategies a,b    only these, and the clairvoyant reference unless --no-bounds
  --seeds N           so many seeds from --seed on; then figures have 95 % intervals (1)
  --no-bounds         without the upper bounds, which can take longer than the simulations, and without the reference
  --full              all figures, not only those that fit beside each other
  --html FILE         also a report for a browser, in one file

what-if (--strategies names one; mirror)
  --seeds N           means over so many seeds (1)
  --other FILE        another fleet to hold against the first; may be repeated
  --region-ms N       how much later the first token comes from the region that is tried (60)
  --ptu N             units of the provisioned backend that is tried (15)
  --ptu-tpm M         input tokens per minute of one unit (3000, as gpt-4.1; docs/lab.md)

live
  --speed K           how many times faster than real time (20); take less where its table says that the machine was late
  --programs FOLDER   where the programs are (beside headroom-lab)

Results
  --json              all figures as one JSON object instead of tables
  -q, --quiet         no progress on standard error

Exit codes: 0 done, 2 wrong usage or unusable files. Of live: 0 agrees with the simulation, 1 differs, 3 undecided, because
the machine was late.
)";

} // namespace

std::string help_text() {
    std::string all(text);
    for (const GeneratorInfo& one : generators())
        fmt::format_to(std::back_inserter(all), "  {:<19} {}\n", one.name, one.summary);
    return all += rest;
}

} // namespace headroom::lab
