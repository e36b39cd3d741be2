// What is never hedged, which backends are found out by it, and that nothing is lost when many are.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { replay, why } from './harness/explained.mjs'
import { counts, isWhole, late, line, never, nothingReserved, on, path, quotas, scripted, send, startMock, streamed, withProxy } from './harness/hedging.mjs'
import { chat, post, until } from './harness/programs.mjs'

let mock
before(async () => { mock = await startMock() })
after(() => mock.stop())
afterEach(() => mock.clearFaults())

describe('no second request', () => {
  /** The first one is late, and only that one is ever asked. */
  async function alone(options, body = streamed(), told = / backend=first (?!.*hedge)/, to = path) {
    await withProxy(mock, options, async proxy => {
      const [first, second] = await counts(mock)
      await mock.fault('first', 'slow', { count: 1, ms: late })
      const response = await post(proxy, to, body, { 'x-request-id': 'alone' })
      assert.equal(response.status, 200, await response.clone().text())
      await response.text()
      assert.deepEqual((await counts(mock)).slice(0, 2), [first + 1, second])
      assert.match(await line(proxy, 'alone'), told)
    })
  }

  test('by default', () => alone({ env: {} }))
  test('before anything is known of what is usual', () => alone({ learn: false }))
  test('without a stream', () => alone({}, chat()))
  test('of what is to be stored', () => alone({}, streamed({ store: true })))

  test('where no quota is to spare; and that is told', async () => {
    const scarce = { backends: { second: { tpm: 1000, rpm: 6000 } } }
    const large = streamed({ max_tokens: 600 })
    await alone(scarce, large, / hedge=scarce/)
    await withProxy(mock, scarce, async proxy => {
      await mock.fault('first', 'slow', { count: 1, ms: late })
      await isWhole(await send(proxy, 'scarce', large))
      const page = await why(proxy, 'scarce')
      const [{ decisions, end: [end] }] = page.requests
      assert.deepEqual(decisions.map(one => [one.kind, one.reason]), [['send', 'fits'], ['refuse', 'scarce']])
      assert.match(decisions[1].candidates[1].fate, /^too little of its quota would be left for a hedge: \d+ % would be used$/)
      assert.equal(end.hedge, 'scarce')
      assert.equal((await replay(page)).code, 0)
      assert.equal((await proxy.metrics()).get('headroom_hedges_withheld_total{reason="scarce"}'), 1)
      // with less to reserve there is enough left
      await mock.fault('first', 'slow', { count: 1, ms: never })
      await isWhole(await send(proxy, 'enough'))
      assert.match(await line(proxy, 'enough'), / hedge=won:second/)
    })
  })

  test('when the retry budget is spent', () =>
    alone({ env: { ...on, HEADROOM_RETRY_BUDGET_PERCENT: '0', HEADROOM_RETRY_BUDGET_PER_SECOND: '0' } }, streamed(), / hedge=budget/))

  test('of responses, unless they are said to leave nothing behind and do nothing', async () => {
    const ask = (more = {}) => ({ model: 'chat', stream: true, input: 'Say something.', max_output_tokens: 16, ...more })
    for (const more of [{}, { store: true }, { store: false, tools: [{ type: 'function', name: 'f', parameters: {} }] }])
      await alone({}, ask(more), undefined, '/v1/responses')
    await withProxy(mock, {}, async proxy => {
      await mock.fault('first', 'slow', { count: 1, ms: never })
      const response = await post(proxy, '/v1/responses', ask({ store: false }), { 'x-request-id': 'response' })
      assert.match(await response.text(), /event: response.completed/)
      assert.match(await line(proxy, 'response'), / hedge=won:second/)
    })
  })
})

test('a backend that never says a word is found out, although its clients never wait for it', async () => {
  await withProxy(mock, {}, async proxy => {
    await mock.fault('first', 'hang')
    for (let i = 0; i < 3; i++) await isWhole(await send(proxy, `hangs-${i}`))
    const first = (await quotas(proxy)).find(one => one.backend === 'first')
    assert.equal(first.breaker, 'open', JSON.stringify(first))
    const before_ = (await mock.stats('first')).requests
    await isWhole(await send(proxy, 'spared'))
    assert.equal((await mock.stats('first')).requests, before_)
  })
})

test('what the loser used counts for its tenant among those who wait by then', async context => {
  const [first, second] = [await scripted(), await scripted()]
  context.after(() => { first.stop(); second.stop() })
  // a minute lasts six seconds
  const env = { ...on, HEADROOM_TEST_TIME_SCALE: '10', HEADROOM_QUEUE_WAIT: '60s' }
  const backends = { first: { url: first.url, tpm: 10_000, rpm: 6_000 }, second: { url: second.url, tpm: 10_000, rpm: 6_000 } }
  await withProxy(mock, { env, backends }, async proxy => {
    const gone = new AbortController()
    const ask = (tenant, wait, more) => fetch(proxy.url + path, { method: 'POST', signal: gone.signal, body: JSON.stringify(chat(more)),
      headers: { 'content-type': 'application/json', 'x-headroom-tenant': tenant, ...(wait !== undefined && { 'x-headroom-max-wait-ms': wait }) } })
    const waiting = async count => until(async () => (await proxy.metrics()).get('headroom_waiting') === count, `${count} that wait`)

    let winner
    first.answer = () => {}
    second.answer = response => { winner = response }
    const raced = ask('racer', '0', { stream: true, max_tokens: 2_000 })
    await until(() => winner, 'the hedge')
    // the first backend has no quota left for now, the second one says so
    first.answer = null
    second.answer = response => response.writeHead(429, { 'retry-after-ms': '60000' }).end()
    for (let i = 0; i < 2; i++) await isWhole(await ask('other', '0', { max_tokens: 6_500 }))
    assert.equal((await quotas(proxy)).filter(one => one.blocked_s > 0).length, 1)
    const order = []
    let joined = 0
    for (const tenant of ['racer', 'racer', 'modest']) {
      ask(tenant, undefined, { max_tokens: 6_000 }).then(() => order.push(tenant), () => {})
      await waiting(++joined)
    }
    second.head(winner)
    second.content(winner)
    await isWhole(await raced)
    await until(() => order.length > 0, 'a turn')
    gone.abort()
    assert.deepEqual(order, ['modest'])
  })
})

test('many at once, some late, some left by their clients: every answer whole, every lease ended', async () => {
  // a seed of its own for each run; it is told when the test fails
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  let state = seed
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  const env = { ...on, HEADROOM_HEDGE_AFTER_PERCENTILE: '50', HEADROOM_RETRY_BUDGET_PER_SECOND: '1000' }
  await withProxy(mock, { env }, async proxy => {
    try {
      for (const name of ['first', 'second']) await mock.fault(name, 'slow', { probability: 0.3, ms: 400 })
      await Promise.all(Array.from({ length: 24 }, async () => {
        for (let i = 0; i < 8; i++) {
          const control = new AbortController()
          const leaves = random() < 0.2
          const asked = fetch(proxy.url + path, { method: 'POST', signal: control.signal, headers: { 'content-type': 'application/json' },
            body: JSON.stringify(streamed()) }).then(isWhole)
          if (!leaves) { await asked; continue }
          // tidy: allow test_waits: when it leaves does not matter, only that it may be at any time
          setTimeout(() => control.abort(), Math.floor(random() * 500))
          await asked.catch(error => assert.equal(error.name, 'AbortError'))
        }
      }))
      await nothingReserved(proxy)
      const metrics = await proxy.metrics()
      assert.ok(metrics.get('headroom_hedges_total{end="won"}') > 0)
    } catch (error) {
      error.message += ` (SEED=${seed})`
      throw error
    }
  })
})
