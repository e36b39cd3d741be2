// The demo behind tools/run: three simulated Azure OpenAI backends with quotas, Headroom in front, real SDK traffic.
// Everything runs in real time on 127.0.0.1. Ends with a table per backend; exit code 1 when the client saw an error.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const help = `tools/run: watch Headroom spread real SDK traffic over three backends with quotas.

usage: tools/run [options]

  --seconds N          how long traffic is sent (default 20)
  --load P             percent of the sum of the quotas to use (default 80)
  --io auto|uring|epoll   I/O backend of the proxy (default auto)
  --keep               leave everything running afterwards, for you to try
  --help               this text

Traffic comes from the openai npm package (AzureOpenAI and OpenAI classes, no retries of its own), half of it streaming.
Half-way one backend refuses a few requests, as if somebody else had used its quota: the client must not notice.`

const programs = {
  headroom: process.env.HEADROOM_BIN ?? 'build/release/bin/headroom',
  mock: process.env.MOCK_AZURE_BIN ?? 'build/release/bin/mock_azure',
}
// Tokens per minute; Azure grants 6 requests per minute for each 1,000 of them, counted over ten seconds.
const quotas = { openai1: 30_000, openai2: 30_000, openai3: 60_000 }
const requestsPerWindow = 10_000 / 60_000 * 6 / 1_000

const children = []
let ending = false

function fail(text) {
  console.error(`run: ${text}`)
  process.exitCode = 1
  return stopAll()
}

function stopAll() {
  ending = true
  return Promise.all(children.map(child => new Promise(done => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', done)
    child.kill('SIGTERM')
  })))
}

/** Starts a program; each line of its output goes to `onLine`. Resolves once `ready(line)` gives something. */
function start(name, path, args, env, onLine, ready) {
  return new Promise((resolve, reject) => {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(HEADROOM|BACKEND)_/i.test(key)))
    const child = spawn(path, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    child.once('error', error => reject(new Error(`cannot start ${name} (${path}): ${error.message}`)))
    child.once('exit', code => {
      reject(new Error(`${name} ended with code ${code}`))
      if (!ending) fail(`${name} ended by itself with code ${code}`)
    })
    createInterface({ input: child.stdout }).on('line', line => {
      const result = ready(line)
      if (result) resolve(result)
      onLine(line)
    })
  })
}

async function startMocks() {
  const urls = {}
  let admin
  const args = Object.entries(quotas).flatMap(([name, tpm], i) =>
    ['--backend', `${name},tpm=${tpm},keys=key-of-${name},ttft=150,ttft_jitter=50,token_ms=4,seed=${i + 1}`])
  await start('mock_azure', programs.mock, args, {}, () => {}, line => {
    const event = JSON.parse(line)
    if (event.event === 'listening') urls[event.backend] = event.url
    if (event.event === 'admin') admin = event.url
    return event.event === 'ready'
  })
  return { urls, admin }
}

async function startHeadroom(urls, io, onLine) {
  const env = {}
  for (const [name, url] of Object.entries(urls)) {
    const prefix = `BACKEND_${name.toUpperCase()}`
    Object.assign(env, {
      [`${prefix}_URL`]: url, [`${prefix}_PRIORITY`]: '1', [`${prefix}_APIKEY`]: `key-of-${name}`, [`${prefix}_TPM`]: `${quotas[name]}`,
    })
  }
  const args = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--io', io]
  return start('headroom', programs.headroom, args, env, onLine, line => {
    const found = /listens on (\S+), admin on ([^;\s]+)/.exec(line)
    return found && { url: found[1], admin: found[2] }
  })
}

function makeClients({ OpenAI, AzureOpenAI }, url) {
  const common = { apiKey: 'the-client-has-no-key-of-a-backend', maxRetries: 0 }
  return [
    new AzureOpenAI({ ...common, endpoint: url, apiVersion: '2024-10-21' }),
    new OpenAI({ ...common, baseURL: `${url}/openai/v1` }),
    new OpenAI({ ...common, baseURL: url }),
  ]
}

async function ask(client, stream, maxTokens, seen) {
  const request = {
    model: 'chat', max_tokens: maxTokens, messages: [
      { role: 'system', content: 'You answer briefly.' },
      { role: 'user', content: 'What does a reverse proxy do with a quota of tokens per minute?' }],
  }
  try {
    if (stream) {
      let text = ''
      let finish
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
        text += chunk.choices[0]?.delta?.content ?? ''
        finish = chunk.choices[0]?.finish_reason ?? finish
      }
      if (!text || !finish) throw new Error('the stream ended without an answer')
      seen.streamed++
    } else {
      const answer = await client.chat.completions.create(request)
      if (!answer.choices[0].message.content) throw new Error('an answer without content')
      seen.whole++
    }
  } catch (error) {
    seen.errors.push(error)
  }
}

/** A request each 1/rate seconds, whatever the answers take: as independent users would. */
async function drive(clients, plan, seen, onTick) {
  const running = new Set()
  const begun = performance.now()
  for (let i = 0; i < plan.requests; i++) {
    const wait = begun + i * 1000 / plan.rate - performance.now()
    if (wait > 0) await new Promise(done => setTimeout(done, wait))
    if (ending) return
    const one = ask(clients[i % clients.length], i % 2 === 1, plan.maxTokens, seen).finally(() => running.delete(one))
    running.add(one)
    onTick(i + 1, running.size)
  }
  await Promise.all(running)
}

async function getText(url, options) {
  const response = await fetch(url, options)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

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

function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(row => String(row[i]).length)))
  const line = row => row.map((cell, i) => i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])).join('  ')
  return [line(rows[0]), widths.map(width => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')
}

async function summary(mocks, proxy) {
  const metrics = await getText(`${proxy.admin}/metrics`)
  const stats = JSON.parse(await getText(`${mocks.admin}/stats`)).backends
  const refused = byBackend(metrics, 'headroom_backend_answers_total', 'verdict="quota"')
  const won = byBackend(metrics, 'headroom_backend_won_total')
  const rows = [['backend', 'quota/min', 'requests', 'tokens charged', 'quota used', '429s absorbed']]
  const sum = { quota: 0, won: 0, tokens: 0, refused: 0 }
  for (const [name, quota] of Object.entries(quotas)) {
    const tokens = Object.values(stats[name].deployments).reduce((total, one) => total + one.tokens_charged, 0)
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
    keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } })
  if (values.help) return console.log(help)
  const seconds = Number(values.seconds)
  const load = Number(values.load)
  if (!(seconds >= 2 && seconds <= 3600)) return fail(`--seconds ${values.seconds}: a number from 2 to 3600 is expected`)
  if (!(load >= 1 && load <= 150)) return fail(`--load ${values.load}: a percentage from 1 to 150 is expected`)
  const openai = await import('openai').catch(() => null)
  if (!openai) return fail('the openai package is missing; run tools/setup')

  const mocks = await startMocks()
  const lines = []
  const proxy = await startHeadroom(mocks.urls, values.io, line => lines.push(line))
  console.log(lines[0] ?? `Headroom listens on ${proxy.url}`)
  const plan = planFor(seconds, load)
  console.log(`Three backends with ${Object.values(quotas).map(n => n.toLocaleString('en')).join(', ')} tokens per minute; ` +
    `${plan.requests} requests in ${seconds} s, ${plan.maxTokens} tokens each, half of them streaming.\n`)

  const seen = { whole: 0, streamed: 0, errors: [] }
  let told = 1
  let struck = false
  const live = process.stdout.isTTY
  await drive(makeClients(openai, proxy.url), plan, seen, (sent, open) => {
    if (!struck && sent * 2 >= plan.requests) {
      struck = true
      fetch(`${mocks.admin}/faults`, { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ backend: 'openai2', kind: '429', count: 3, retry_after_ms: 1000 }) }).catch(error => fail(error.message))
    }
    const interesting = lines.slice(told).filter(line => line.includes('attempts=') || told < 4)
    for (const line of interesting.slice(0, 1)) console.log(`${live ? '\r\x1b[K' : ''}  ${line}`)
    told = lines.length
    const state = `  ${sent}/${plan.requests} sent, ${open} open, ${seen.whole} answers, ${seen.streamed} streams, ${seen.errors.length} errors`
    if (live) process.stdout.write(`\r\x1b[K${state}`)
    else if (sent % Math.ceil(plan.requests / 5) === 0) console.log(state)
  })
  if (ending) return
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
