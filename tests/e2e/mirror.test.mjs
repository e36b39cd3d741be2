// At 90 % of the quotas no client is told to wait and hardly any request is refused, whatever the backends' limiters do.
// HEADROOM_TRACES=<folder> adds slices of the recorded traces in it; HEADROOM_MIRROR=long replays them whole against every
// limiter (half an hour) and prints a table.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Replay, atSomeSpeed, smallTrace } from './harness/replay.mjs'

const long = process.env.HEADROOM_MIRROR === 'long'
const load = 0.9
/** Refusals a mirror may need to learn what it cannot know: half a percent of the requests. */
const refusedShareMax = 0.005

const charges = ['prompt+max', 'max', 'billed', 'reserve']
const windows = ['sliding', 'fixed', 'gcra']
const slices = [1, 10]
const quirks = ['no-ratelimit', 'no-retry-after-ms', 'no-ratelimit;no-retry-after', 'minus-one', 'huge', 'new-words']
const limiters = [
  ...charges.flatMap(charge => windows.flatMap(window => slices.map(slice => `charge=${charge},window=${window},slice=${slice}`))),
  ...quirks.map(quirk => `quirks=${quirk}`),
]

const folder = process.env.HEADROOM_TRACES ?? ''
const recorded = [
  { name: 'azure-2023-code.csv', tpm: 1_200_000, rows: 800 },
  { name: 'azure-2023-conv.csv', tpm: 600_000, rows: 800 },
  { name: 'mooncake-synthetic.jsonl', tpm: 4_000_000, rows: 400 },
].map(one => ({ ...one, trace: join(folder, one.name) })).filter(one => folder && existsSync(one.trace))
const small = { name: 'bursty.csv', trace: smallTrace, tpm: 120_000, rows: 0 }

const table = []
const percent = (part, all) => `${(100 * part / all).toFixed(2)} %`
function note(what, clients, upstream) {
  table.push([what, clients.requests, clients.client_429s, upstream.refusedTokens, upstream.refusedRequests,
    percent(upstream.refused, clients.requests), (clients.latency_us.p99 / 1000).toFixed(0)])
}
after(() => {
  if (!long && !process.env.HEADROOM_MIRROR_TABLE) return
  const rows = [['limiter and trace', 'requests', 'client 429s', 'refused for tokens', 'for requests', 'refused', 'p99 ms'], ...table]
  const widths = rows[0].map((_, i) => Math.max(...rows.map(row => String(row[i]).length)))
  for (const row of rows) console.log(row.map((cell, i) => i ? String(cell).padStart(widths[i]) : cell.padEnd(widths[i])).join('  '))
})

/** Of a short trace, how each backend counts included: little where headers tell what is left. */
const refusedWhileLearning = limiter => limiter.includes('no-ratelimit') ? 0.1 : 0.05

async function replay(limiter, { name, trace, tpm, rows }, stream, scale) {
  const run = await Replay.start({ tpm, limiter, scale })
  try {
    const clients = await run.send({ trace, rows: long ? 0 : rows, load, stream })
    const upstream = await run.upstream()
    note(`${limiter} ${name}`, clients, upstream)
    const seen = `${JSON.stringify(clients.status)} to clients; ${JSON.stringify(upstream)}`
    assert.equal(clients.client_429s, 0, `a client was told to wait: ${seen}`)
    assert.equal(clients.failed, 0, `${clients.first_failure}: ${seen}`)
    // how each backend counts is learned from its first answers and refusals, which a short trace cannot make up for
    const learning = long ? 0 : clients.requests * refusedWhileLearning(limiter)
    assert.ok(upstream.refused <= learning + clients.requests * refusedShareMax, `${percent(upstream.refused, clients.requests)} were refused: ${seen}`)
  } finally {
    assert.equal(await run.stop(), 0)
  }
}

// each run is nearly idle, waiting for its trace's times; so several run side by side
describe('a trace at 90 % of the quotas', { concurrency: long ? 4 : 6 }, () => {
  limiters.forEach((limiter, i) => {
    const traces = long ? [small, ...recorded] : [small]
    for (const one of traces) test(`${one.name}, ${limiter}`, () => atSomeSpeed(scale => replay(limiter, one, i % 2 === 0, scale)))
  })
  if (!long) for (const one of recorded) test(`the start of ${one.name}`, () => atSomeSpeed(scale => replay('slice=1', one, true, scale)))
})

/** 50 % of the old quotas is 83 % of the new ones; the trace lasts ten windows or so. */
async function drop(window, scale) {
  const run = await Replay.start({ tpm: 120_000, limiter: `window=${window}`, scale })
  try {
    const sent = run.send({ load: 0.5 })
    // tidy: allow test_waits: the drop and the judgement happen at instants of the trace's clock
    await pause(1.5 * run.windowMs)
    await run.setLimits(0.6)
    // tidy: allow test_waits: as above
    await pause(run.windowMs)
    const found = await run.upstream()
    const clients = await sent
    const end = await run.upstream()
    note(`drop to 60 %, ${window}`, clients, end)
    assert.equal(clients.client_429s, 0, `a client was told to wait: ${JSON.stringify(clients.status)}`)
    assert.equal(clients.failed, 0, clients.first_failure)
    const [refused, all] = [end.refused - found.refused, end.requests - found.requests]
    assert.ok(all > 50, `only ${all} requests came after the window`)
    assert.ok(refused <= all * refusedWhileLearning(''), `${refused} of ${all} were refused after the window`)
  } finally {
    assert.equal(await run.stop(), 0)
  }
}

describe('a limit that drops to 60 % without a word', { concurrency: 3 }, () => {
  for (const window of windows) {
    test(`is found within one window (${window})`, () => atSomeSpeed(scale => drop(window, scale)))
  }
})
