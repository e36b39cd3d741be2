// The demo behind tools/run: three simulated Azure OpenAI backends with quotas, Headroom in front, real SDK traffic.
// Everything runs in real time on 127.0.0.1. Ends with a table per backend; exit code 1 when the client saw an error.
import { parseArgs } from 'node:util'
import { fail, getText, isEnding, startHeadroom, startMocks, stats, stopAll, tell } from './programs.mjs'
import { listScenarios, runScenario, scenarios } from './scenarios.mjs'
import { table } from './table.mjs'
import { drive, makeClients, noneSeen } from './traffic.mjs'

const help = `tools/run: watch Headroom spread real SDK traffic over three backends with quotas.

usage: tools/run [options]

  --seconds N          how long traffic is sent (default 20)
  --load P             percent of the sum of the quotas to use (default 80)
  --io auto|uring|epoll   I/O backend of the proxy (default auto)
  --scenario NAME      instead: make one thing happen, show it, judge it (exit code 1 if it did not); list names them
  --keep               leave everything running afterwards, for you to try
  --help               this text

Traffic comes from the openai npm package (AzureOpenAI and OpenAI classes, no retries of its own), half of it streaming.
Half-way one backend refuses a few requests, as if somebody else had used its quota: the client must not notice.`

// Tokens per minute; Azure grants 6 requests per minute for each 1,000 of them, counted over ten seconds.
const quotas = { openai1: 30_000, openai2: 30_000, openai3: 60_000 }
const requestsPerWindow = 10_000 / 60_000 * 6 / 1_000

/** Values of one metric by backend. */
function byBackend(metrics, name, filter = '') {
  const values = {}
  for (const line of metrics.split('\n')) {
    const found = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line)
    if (!found || found[1] !== name || !found[2].includes(filter)) continue
    const backend = /backend="([^"]*)"/.exec(found[2])?.[1]
    if (backend) values[backend.toLowerCase()] = (values[backend.toLowerCase()] ?? 0) + Number(found[3])
  }
  return values
}

async function summary(mocks, proxy) {
  const metrics = await getText(`${proxy.admin}/metrics`)
  const counted = await stats(mocks)
  const refused = byBackend(metrics, 'headroom_backend_answers_total', 'verdict="quota"')
  const won = byBackend(metrics, 'headroom_backend_won_total')
  const rows = [['backend', 'quota/min', 'requests', 'tokens charged', 'quota used', '429s absorbed']]
  const sum = { quota: 0, won: 0, tokens: 0, refused: 0 }
  for (const [name, quota] of Object.entries(quotas)) {
    const tokens = Object.values(counted[name].deployments).reduce((total, one) => total + one.tokens_charged, 0)
    rows.push([name, quota, won[name] ?? 0, Math.round(tokens), `${Math.round(100 * tokens / quota)} %`, refused[name] ?? 0])
    sum.quota += quota
    sum.won += won[name] ?? 0
    sum.tokens += tokens
    sum.refused += refused[name] ?? 0
  }
  rows.push(['together', sum.quota, sum.won, Math.round(sum.tokens), `${Math.round(100 * sum.tokens / sum.quota)} %`, sum.refused])
  return table(rows)
}

function planFor(seconds, load) {
  const tokens = Object.values(quotas).reduce((a, b) => a + b, 0)
  const mostRequests = tokens * requestsPerWindow / 10 // a second
  // a chat's requests are large enough for tokens to run out first; on a busy machine they also come in bursts, and ten
  // seconds' worth of requests must not be all gone for that
  const rate = mostRequests * load / 100 * 0.6
  const requests = Math.round(rate * seconds)
  // what a request is charged: its prompt (about 30 tokens) and its max_tokens
  const window = Math.min(1, seconds / 60)
  const maxTokens = Math.max(16, Math.floor(tokens * load / 100 * (seconds > 60 ? seconds / 60 : 1) / requests) - 40)
  return { rate, requests, maxTokens, window }
}

async function main() {
  const { values } = parseArgs({ options: {
    seconds: { type: 'string', default: '20' }, load: { type: 'string', default: '80' }, io: { type: 'string', default: 'auto' },
    scenario: { type: 'string' }, keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } })
  if (values.help) return console.log(help)
  const seconds = Number(values.seconds)
  const load = Number(values.load)
  if (!(seconds >= 2 && seconds <= 3600)) return fail(`--seconds ${values.seconds}: a number from 2 to 3600 is expected`)
  if (!(load >= 1 && load <= 150)) return fail(`--load ${values.load}: a percentage from 1 to 150 is expected`)
  if (values.scenario !== undefined) {
    if (values.scenario === 'list') return console.log(listScenarios())
    if (!Object.hasOwn(scenarios, values.scenario)) return fail(`there is no scenario '${values.scenario}'; these are:\n${listScenarios()}`)
    return runScenario(values.scenario, values.io)
  }

  const mocks = await startMocks(Object.fromEntries(Object.entries(quotas).map(([name, tpm]) => [name, `tpm=${tpm}`])))
  const lines = []
  const proxy = await startHeadroom(
    Object.fromEntries(Object.entries(quotas).map(([name, tpm]) => [name, { url: mocks.urls[name], tpm }])), values.io, line => lines.push(line))
  console.log(lines[0] ?? `Headroom listens on ${proxy.url}`)
  const plan = planFor(seconds, load)
  console.log(`Three backends with ${Object.values(quotas).map(n => n.toLocaleString('en')).join(', ')} tokens per minute; ` +
    `${plan.requests} requests in ${seconds} s, ${plan.maxTokens} tokens each, half of them streaming.\n`)

  const seen = noneSeen()
  let told = 1
  let struck = false
  const live = process.stdout.isTTY
  await drive(await makeClients(proxy.url), plan, seen, (sent, open) => {
    if (!struck && sent * 2 >= plan.requests) {
      struck = true
      tell(mocks, '/faults', { backend: 'openai2', kind: '429', count: 3, retry_after_ms: 1000 }).catch(error => fail(error.message))
    }
    const interesting = lines.slice(told).filter(line => line.includes('attempts=') || told < 4)
    for (const line of interesting.slice(0, 1)) console.log(`${live ? '\r\x1b[K' : ''}  ${line}`)
    told = lines.length
    const state = `  ${sent}/${plan.requests} sent, ${open} open, ${seen.whole} answers, ${seen.streamed} streams, ${seen.errors.length} errors`
    if (live) process.stdout.write(`\r\x1b[K${state}`)
    else if (sent % Math.ceil(plan.requests / 5) === 0) console.log(state)
  })
  if (isEnding()) return
  console.log(`${live ? '\r\x1b[K' : ''}\n${await summary(mocks, proxy)}\n`)
  console.log(`${seen.whole} answers and ${seen.streamed} streams, ${seen.errors.length} errors seen by the client`)
  for (const error of seen.errors.slice(0, 5)) console.log(`  ${error.status ?? ''} ${error.message}`)
  if (seen.errors.length > 0) process.exitCode = 1
  if (values.keep) {
    console.log(`\nStill running; Ctrl-C ends it. Try:
  curl ${proxy.url}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
  curl ${proxy.admin}/metrics`)
    return
  }
  console.log('\nNext: tools/run --keep leaves it running for you to try; README.md says how to put it before real backends.')
  await stopAll()
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { stopAll().then(() => process.exit(signal === 'SIGINT' ? 130 : 143)) })
main().catch(error => fail(error.message))
