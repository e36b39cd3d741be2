// Replays a trace through Headroom to three mock backends in scaled time, and counts what clients and backends saw.
import { AssertionError } from 'node:assert'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Mock, Proxy } from './programs.mjs'

/** How much faster than real the quotas' clocks run at first, and how often a run is repeated at half the speed. */
const scaleMax = 30
const repeats = 2
export const smallTrace = fileURLToPath(new URL('../../../docs/examples/traces/bursty.csv', import.meta.url))

/** Unequal on purpose: half of the quota is on one backend. */
const shares = { first: 0.25, second: 0.25, third: 0.5 }

export class Replay {
  /** `limiter`: keys of a mock backend ("window=fixed"); `tpm`: the sum of the quotas; a minute of them lasts 60 s / `scale`. */
  static async start({ tpm, limiter = '', scale = scaleMax }) {
    const replay = new Replay()
    replay.scale = scale
    replay.windowMs = 60_000 / scale
    replay.tpm = tpm
    replay.quotas = Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, Math.round(tpm * share)]))
    const backends = Object.entries(replay.quotas).map(([name, quota], i) =>
      `${name},tpm=${quota},seed=${i + 1},context=1000000,ttft=300,ttft_jitter=100,token_ms=10${limiter && `,${limiter}`}`)
    replay.mock = await Mock.start(backends, '--time-scale', String(scale), '--keep-requests', '0')
    replay.proxy = await Proxy.start({
      backends: Object.fromEntries(Object.entries(replay.quotas).map(([name, quota]) => [name, { url: replay.mock.urls[name], tpm: quota }])),
      // with 90 % of an hour's quota a recorded hour needs waits of minutes in its rush, whatever the schedule
      env: { HEADROOM_TEST_TIME_SCALE: String(scale), HEADROOM_QUEUE_WAIT: '45s', HEADROOM_QUEUE_LENGTH_MAX: '100000' } })
    return replay
  }
  /** Sends the trace so that it asks for `load` of the quotas; what the clients saw. */
  send({ trace = smallTrace, load, rows = 0, stream = false, more = [] }) {
    const args = ['--trace', trace, '--time-scale', String(this.scale), '--load', String(load), '--quota', String(this.tpm),
      ...(rows ? ['--trace-limit', String(rows)] : []), ...(stream ? ['--stream'] : []),
      '--timeout', '60s', '--allow-errors', '--quiet', '--json', ...more,
      `${this.proxy.url}/openai/deployments/chat/chat/completions?api-version=2024-10-21`]
    return new Promise((resolve, reject) => {
      const child = spawn(process.env.LOAD_BIN, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      let [out, err] = ['', '']
      child.stdout.on('data', data => { out += data })
      child.stderr.on('data', data => { err += data })
      child.once('error', reject)
      child.once('close', code => code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`load ended with ${code}: ${err}`)))
    })
  }
  /** Requests that reached the backends, and those of them that were refused. */
  async upstream() {
    const { backends } = await this.mock.api('/stats')
    const all = Object.values(backends).map(one => one.deployments.chat)
    const sum = field => all.reduce((total, one) => total + one[field], 0)
    return { requests: sum('requests'), refused: sum('throttled_tokens') + sum('throttled_requests'),
      refusedTokens: sum('throttled_tokens'), refusedRequests: sum('throttled_requests'), charged: sum('tokens_charged') }
  }
  async setLimits(factor) {
    for (const [name, quota] of Object.entries(this.quotas)) await this.mock.api('/config', { backend: name, tpm: Math.round(quota * factor) })
  }
  async stop() {
    const code = await this.proxy.stop()
    await this.mock.stop()
    return code
  }
}

/**
 * Runs `judged(scale)` until it passes, ever slower: at 30 times the speed a machine that is busy with something else for
 * 100 ms is late by three seconds of quota, and nobody can keep within quotas whose state it knows from long ago. What
 * is wrong with the balancer is wrong at every speed.
 */
export async function atSomeSpeed(judged) {
  for (let i = 0; ; i++) {
    const scale = scaleMax / 2 ** i
    try {
      return await judged(scale)
    } catch (error) {
      if (!(error instanceof AssertionError) || i === repeats) throw error
      console.log(`# repeated at half the speed, as at ${scale} times real time: ${error.message}`)
    }
  }
}
