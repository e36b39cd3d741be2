// Under steady load one of three backends dies, hangs, errs or runs dry: no client notices, and what recovers is not overrun.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'

const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
const concurrency = 40
const firstTokenMs = 60
const names = ['one', 'two', 'three']

/** So many clients that each ask again as soon as they have their answer, every other one for a stream. */
class Load {
  constructor(proxy) {
    this.proxy = proxy
    this.answered = 0
    this.cut = 0 // streams that ended early, after content had reached the client: nobody can repeat those
    this.failed = []
    this.clients = Array.from({ length: concurrency }, (_, at) => this.client(at % 2 === 0))
  }
  async client(stream) {
    while (!this.ending) await this.ask(stream)
  }
  async ask(stream) {
    let text = ''
    try {
      const response = await post(this.proxy, path, chat({ stream, max_tokens: 8 }))
      for await (const piece of response.body) text += Buffer.from(piece).toString('latin1')
      const whole = response.status === 200 && (stream ? text.endsWith('data: [DONE]\n\n') : JSON.parse(text).choices[0].message.content.length > 0)
      if (whole) return void this.answered++
      this.note(stream, text, `${response.status} ${text.slice(-200)}`)
    } catch (error) {
      this.note(stream, text, `${error} ${error.cause ?? ''}`)
    }
  }
  note(stream, text, what) {
    if (stream && text.includes('"delta":{"content"')) this.cut++
    else this.failed.push(what)
  }
  /** Until so many more requests have been answered. */
  async more(count) {
    const goal = this.answered + count
    await until(() => this.answered >= goal || this.failed.length > 0, `${count} more answers`)
  }
  async end() {
    this.ending = true
    await Promise.all(this.clients)
  }
}

let mock
before(async () => {
  mock = await Mock.start(names.map(name => `${name},tpm=0,rpm=0,ttft=${firstTokenMs},token_ms=5,output=8`), '--keep-requests', '20000')
})
after(() => mock.stop())
afterEach(() => mock.clearFaults())

async function underLoad(env, use, urls = mock.urls) {
  const backends = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url }]))
  const proxy = await Proxy.start({ backends, env })
  const load = new Load(proxy)
  try {
    await load.more(200)
    await use(load, proxy)
    assert.deepEqual(load.failed, [])
  } finally {
    await load.end()
    assert.equal(await proxy.stop(), 0)
  }
  assert.deepEqual(load.failed, [])
  return load
}

/** Until requests for some deployment are kept from `name`. */
const leftAlone = (proxy, name) => until(async () => {
  const metrics = await proxy.metrics()
  const open = [...metrics.keys()].some(key => key.startsWith(`headroom_breaker{backend="${name}"`) && /state="(open|due|probing)"/.test(key))
  return open || metrics.get(`headroom_backend_up{backend="${name}"}`) === 0
}, `${name} to be left alone`)
const arrivals = async since => (await mock.api('/requests?n=20000')).requests.filter(one => one.seq > since)
const lastSeq = async () => (await mock.api('/requests?n=1')).requests.at(-1)?.seq ?? 0

/** What reached `name` since `seq` began with one probe alone and grew from there. */
async function assertNoHerd(name, seq, load) {
  const share = async () => {
    const recent = (await arrivals(seq)).slice(-300)
    return recent.length === 300 ? recent.filter(one => one.backend === name).length / recent.length : 0
  }
  await until(async () => load.failed.length > 0 || await share() > 0.2, `the share of ${name}`)
  const all = await arrivals(seq)
  const own = all.filter(one => one.backend === name && one.status === 200)
  const probe = own[0]
  // no head, and so no verdict on the probe, leaves the mock before half of its time to the first token
  const beside = own.filter(one => one !== probe && one.at_ms < probe.at_ms + firstTokenMs / 2 - 5)
  // one that was chosen before the breaker opened may still be on its way
  assert.ok(beside.length <= 2, `${beside.length} requests beside the probe`)
  const first = all.filter(one => one.at_ms > probe.at_ms + firstTokenMs).slice(0, 60)
  const early = first.filter(one => one.backend === name).length
  assert.ok(early < 20, `${early} of the first 60 requests after the probe`)
  const edges = own.flatMap(one => [[one.at_ms, 1], [one.ended_ms ?? Infinity, -1]]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
  let now = 0
  let most = 0
  for (const [, step] of edges) most = Math.max(most, now += step)
  assert.ok(most < concurrency * 0.75, `${most} of ${concurrency} at once on ${name}`)
}

describe('three backends under load', () => {
  test('one is killed and comes back', async () => {
    const load = await underLoad({}, async (load, proxy) => {
      const busy = (await mock.stats('one')).in_flight_max
      await mock.fault('one', 'refuse', { n: 1 })
      await leftAlone(proxy, 'one')
      await load.more(300)
      assert.ok(load.cut <= busy, `${load.cut} streams were cut`)
      const cut = load.cut
      const seq = await lastSeq()
      await mock.clearFaults()
      await assertNoHerd('one', seq, load)
      assert.equal(load.cut, cut)
    })
    assert.ok(load.answered > 500)
  })

  for (const [kind, env] of [['hang', { HEADROOM_TIMEOUTS_FIRST_BYTE: '1s' }], ['500', {}], ['reset', {}]]) {
    test(`one answers with ${kind}, and recovers`, async () => {
      const load = await underLoad(env, async (load, proxy) => {
        const beforehand = (await mock.stats('two')).requests
        await mock.fault('two', kind)
        await leftAlone(proxy, 'two')
        await load.more(400)
        // those in work when it began, what came before the first of them had failed, and the probes; not a third of what came since
        const met = (await mock.stats('two')).requests - beforehand
        assert.ok(met < concurrency * 2, `${met} requests met the fault`)
        const seq = await lastSeq()
        await mock.clearFaults()
        await assertNoHerd('two', seq, load)
      })
      assert.equal(load.cut, 0)
    })
  }

  test('one answers 429 for a while', async () => {
    const load = await underLoad({}, async load => {
      const beforehand = (await mock.stats('three')).requests
      await mock.fault('three', '429', { retry_after_ms: 2000 })
      await load.more(300)
      const met = (await mock.stats('three')).requests - beforehand
      assert.ok(met <= concurrency, `${met} requests met the 429`)
      await mock.clearFaults()
      const good = (await mock.stats('three')).statuses['200']
      await until(async () => load.failed.length > 0 || (await mock.stats('three')).statuses['200'] > good + 20, 'traffic to the third')
    })
    assert.equal(load.cut, 0)
  })

  test('somebody else uses up the quota of one: the others carry on, and it is used again in its next window', async () => {
    const own = await Mock.start(names.map(name => `${name},tpm=60000,rpm=0,ttft=1800,output=8,quirks=no-ratelimit`), '--time-scale', '30')
    const load = await underLoad({}, async load => {
      for (let status = 200; status !== 429;) {
        const response = await fetch(own.urls.one + path, { method: 'POST', body: JSON.stringify(chat({ max_tokens: 20_000 })),
          headers: { 'content-type': 'application/json', 'api-key': 'key-of-one' } })
        await response.text()
        status = response.status
      }
      const good = (await own.stats('one')).statuses['200']
      await load.more(300)
      await until(async () => load.failed.length > 0 || (await own.stats('one')).statuses['200'] > good + 50, 'traffic in the next window')
    }, own.urls)
    assert.equal(load.cut, 0)
    await own.stop()
  })

  test('two of three are gone: the last one serves everybody', async () => {
    await underLoad({}, async load => {
      await mock.fault('one', 'refuse')
      await mock.fault('two', '503')
      await load.more(300)
    })
  })
})
