// Scenarios behind tools/run --scenario: each makes one thing happen, shows it second by second, and judges it.
// A quota's minute lasts ten seconds here, in the mocks and in Headroom alike.
import { fail, isEnding, startHeadroom, startMocks, stats, stopAll, tell } from './programs.mjs'
import { drive, makeClients, noneSeen } from './traffic.mjs'

const scale = 6
const minute = 60 / scale
/** What the requests of traffic.mjs are charged besides their max_tokens. */
const promptTokens = 21

export const scenarios = {
  spillover: {
    what: 'a small provisioned backend is filled first; what it cannot take goes to two pay-as-you-go ones',
    backends: { ptu: { tpm: 20_000, priority: 1, keys: 'window=gcra' }, payg1: { tpm: 40_000, priority: 2 }, payg2: { tpm: 40_000, priority: 2 } },
    load: 0.6, minutes: 3,
    judge({ used, seen, refused }) {
      const ptu = used.ptu / (20_000 * (3 + 1)) // what drained in three minutes, and what its bucket held at the start
      const spilled = used.payg1 + used.payg2
      return [ptu > 0.75 && spilled > 0 && clean(seen),
        `the provisioned backend took ${percent(ptu)} of what it could, ${thousands(spilled)} tokens spilled over, ` +
        `${refused} requests were refused by a backend and ${seen.errors.length} by Headroom`]
    },
  },
  drop: {
    what: 'a backend grants only 60 % of its quota from one moment on, and does not say so',
    backends: { openai1: { tpm: 60_000 }, openai2: { tpm: 60_000 } },
    load: 0.6, minutes: 4,
    event: { after: 1.5, text: 'openai1 drops to 60 %', do: mocks => tell(mocks, '/config', { backend: 'openai1', tpm: 36_000 }) },
    judge({ seen, refused, refusedLate, sentLate }) {
      return [clean(seen) && refusedLate <= Math.max(1, sentLate * 0.01),
        `${refused - refusedLate} requests were refused until the new limit was known, and ${refusedLate} of ${sentLate} from a minute later on; ` +
        `${seen.errors.length} clients saw an error`]
    },
  },
  burst: {
    what: 'half as much again as the quotas of a minute is asked at once, so that requests must wait',
    backends: { openai1: { tpm: 30_000, keys: 'rpm=6000' }, openai2: { tpm: 30_000, keys: 'rpm=6000' } },
    load: 1.5, minutes: 1, atOnce: true,
    judge({ seen }) {
      const longest = Math.max(0, ...seen.seconds)
      return [clean(seen) && longest > minute / 4,
        `${seen.whole + seen.streamed} of ${seen.sent} requests were answered, ${seen.refused} got a 429; the longest wait was ${longest.toFixed(1)} s`]
    },
  },
}

const clean = seen => seen.errors.length === 0 && seen.open === 0
const percent = share => `${Math.round(100 * share)} %`
const thousands = number => number >= 10_000 ? `${(number / 1000).toFixed(0)}k` : `${Math.round(number)}`

export function listScenarios() {
  return Object.entries(scenarios).map(([name, { what }]) => `  ${name.padEnd(10)} ${what}`).join('\n')
}

/** A backend that was asked nothing yet has counted nothing. */
const totals = (all, backends) => Object.fromEntries(Object.entries(all).map(([name, { deployments: { chat } }]) => [name, {
  used: (chat.limit_tokens ?? 0) - (chat.remaining_tokens ?? 0), limit: chat.limit_tokens ?? backends[name].tpm, charged: chat.tokens_charged,
  requests: chat.requests, refused: chat.throttled_tokens + chat.throttled_requests }]))
const sum = (all, field) => Object.values(all).reduce((total, one) => total + one[field], 0)

function plan({ backends, load, minutes, atOnce }) {
  const tpm = Object.values(backends).reduce((total, one) => total + one.tpm, 0)
  const tokens = tpm * load * minutes
  const requests = Math.round(tokens / (atOnce ? 1_000 : 600)) // large enough that tokens run out before requests do
  return { requests, rate: atOnce ? 200 : requests / (minutes * minute), maxTokens: Math.round(tokens / requests) - promptTokens }
}

function printHead(names) {
  console.log(['  time ', ...names.map(name => name.padEnd(32)), 'clients'].join('│ '))
  console.log(['       ', ...names.map(() => 'tokens/limit   requests   429s  '), 'answers  open  429s'].join('│ '))
  console.log(`───────┼${names.map(() => '─'.repeat(33)).join('┼')}┼${'─'.repeat(22)}`)
}

function printRow(seconds, now, seen) {
  const cells = Object.values(now).map(one =>
    `${`${thousands(one.used)}/${thousands(one.limit)}`.padStart(12)}${String(one.requests).padStart(11)}${String(one.refused).padStart(7)}  `)
  const clients = `${String(seen.whole + seen.streamed).padStart(7)}${String(seen.open).padStart(6)}${String(seen.refused).padStart(6)}`
  console.log([`${seconds.toFixed(1).padStart(5)} s`, ...cells, clients].join('│ '))
}

export async function runScenario(name, io) {
  const scenario = scenarios[name]
  const { backends, event, minutes } = scenario
  const mocks = await startMocks(
    Object.fromEntries(Object.entries(backends).map(([backend, { tpm, keys }]) => [backend, `tpm=${tpm}${keys ? `,${keys}` : ''}`])),
    '--time-scale', `${scale}`)
  const proxy = await startHeadroom(
    Object.fromEntries(Object.entries(backends).map(([backend, { tpm, priority }]) => [backend, { url: mocks.urls[backend], tpm, priority }])),
    io, () => {}, { HEADROOM_TEST_TIME_SCALE: `${scale}` })
  const clients = await makeClients(proxy.url)
  const traffic = plan(scenario)
  console.log(`${name}: ${scenario.what}.\nA minute of quota lasts ${minute} s here. ${traffic.requests} requests of ${traffic.maxTokens + promptTokens} tokens ` +
    `${scenario.atOnce ? 'at once' : `in ${minutes * minute} s`}: ${percent(scenario.load)} of the quotas.\n`)
  printHead(Object.keys(backends))

  const seen = noneSeen()
  const begun = performance.now()
  const elapsed = () => (performance.now() - begun) / 1000
  let late // what had been counted one minute after the event
  const look = async () => printRow(elapsed(), totals(await stats(mocks), backends), seen)
  const ticking = setInterval(() => look().catch(error => isEnding() || fail(error.message)), 1000 * minute / 5)
  const timers = event ? [
    setTimeout(() => event.do(mocks).then(() => console.log(`       ── ${event.text} ──`), error => fail(error.message)), event.after * minute * 1000),
    setTimeout(async () => { late = totals(await stats(mocks), backends) }, (event.after + 1) * minute * 1000),
  ] : []
  await drive(clients, traffic, seen)
  clearInterval(ticking)
  timers.forEach(clearTimeout)
  if (isEnding()) return
  await look()

  const end = totals(await stats(mocks), backends)
  const refused = sum(end, 'refused')
  const [good, sentence] = scenario.judge({
    seen, refused, used: Object.fromEntries(Object.entries(end).map(([backend, one]) => [backend, one.charged])),
    refusedLate: late ? refused - sum(late, 'refused') : 0, sentLate: late ? sum(end, 'requests') - sum(late, 'requests') : 0 })
  for (const error of seen.errors.filter(one => one.status !== 429).slice(0, 3)) console.log(`  ${error.status ?? ''} ${error.message}`)
  console.log(`\n${good ? 'As it should be' : 'NOT as it should be'}: ${sentence}.`)
  if (!good) process.exitCode = 1
  await stopAll()
}
