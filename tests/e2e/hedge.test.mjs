// A stream that is late to begin is raced against a second backend: one answer, both charged, the loser cancelled, the rest left alone.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'
import { Raw, parseResponses, postText } from './harness/raw.mjs'

const path = '/v1/chat/completions'
const on = { HEADROOM_HEDGE_ENABLED: 'true' }
/** Later than anything that a busy machine makes late, sooner than anybody's patience. */
const late = 3_000
const never = 600_000
const streamed = (more = {}) => chat({ stream: true, ...more })

let mock
before(async () => { mock = await Mock.start(['first,tpm=0,rpm=0,output=8', 'second,tpm=0,rpm=0,output=8', 'third,tpm=0,rpm=0,output=8']) })
after(() => mock.stop())
afterEach(() => mock.clearFaults())

/** A backend whose answers are given by `answer`, after the streams that the proxy learns from. */
async function scripted() {
  const backend = { requests: 0, closed: 0, answer: null }
  const server = createServer((request, response) => {
    backend.requests++
    response.on('close', () => { if (!response.writableFinished) backend.closed++ })
    request.resume().on('end', () => {
      if (backend.answer) return backend.answer(response)
      backend.head(response)
      backend.content(response)
    })
  })
  backend.head = response => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  backend.content = response => response.end('data: {"choices":[{"index":0,"delta":{"content":"scripted"}}]}\n\ndata: [DONE]\n\n')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  backend.url = `http://127.0.0.1:${server.address().port}`
  backend.stop = () => { server.close(); server.closeAllConnections() }
  return backend
}

/** `first` is asked first, and its usual speed is known unless `learn` is false. */
async function withProxy({ env = on, backends = {}, learn = true }, use) {
  const all = Object.fromEntries(['first', 'second'].map((name, i) => [name, { url: mock.urls[name], priority: i + 1, ...backends[name] }]))
  const proxy = await Proxy.start({ backends: { ...all, ...backends.more }, env })
  try {
    if (learn) await teach(proxy)
    await use(proxy)
  } finally {
    assert.equal(await proxy.stop(), 0)
  }
}

async function teach(proxy, path_ = path, body = streamed()) {
  for (let i = 0; i < 32; i++) assert.equal((await (await post(proxy, path_, body)).text()).slice(-14), 'data: [DONE]\n\n')
}

async function isWhole(response) {
  assert.equal(response.status, 200)
  const text = await response.text()
  assert.ok(text.endsWith('data: [DONE]\n\n'), text)
  assert.equal(text.split('[DONE]').length, 2)
  // one answer, not parts of two: the events are of one id, and there is one end
  const ids = new Set([...text.matchAll(/"id":"(chatcmpl[^"]*)"/g)].map(found => found[1]))
  assert.ok(ids.size <= 1, text)
  assert.match(text, /"content":"[^"]+"/)
  return text
}

const send = (proxy, id, body = streamed()) => post(proxy, path, body, { 'x-request-id': id })
const line = (proxy, id) => proxy.access(0, text => text.includes(` id=${id} `))
const quotas = async proxy => (await (await fetch(`${proxy.admin}/quotas`)).json()).quotas.filter(one => one.sent > 0)
const used = async (proxy, backend) => (await quotas(proxy)).find(one => one.backend === backend)?.tokens_used ?? 0
const nothingReserved = async proxy =>
  until(async () => (await quotas(proxy)).every(one => one.tokens_reserved === 0 && one.in_flight === 0), 'every lease ended')
const counts = async () => Promise.all(['first', 'second', 'third'].map(async name => (await mock.stats(name)).requests))

async function why(proxy, id) {
  return until(async () => {
    const response = await fetch(`${proxy.admin}/why/${id}`)
    if (response.status !== 200) return undefined
    const page = await response.json()
    return page.requests.at(-1).end.length > 0 && page
  }, `/why/${id}`)
}

async function replay(page) {
  const child = spawn(process.env.HEADROOM_BIN, ['replay', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', data => { said += data })
  child.stdin.end(JSON.stringify(page))
  const [code] = await once(child, 'close')
  return { code, said }
}

describe('who has content first', () => {
  test('the hedge: its stream is the client\'s, the late one is cancelled, both are charged, all of it is told', async () => {
    await withProxy({}, async proxy => {
      const [beforeFirst, beforeSecond] = [await used(proxy, 'first'), await used(proxy, 'second')]
      const aborted = (await mock.stats('first')).aborted_by_peer
      await mock.fault('first', 'slow', { count: 1, ms: never })
      await isWhole(await send(proxy, 'late'))
      await until(async () => (await mock.stats('first')).aborted_by_peer === aborted + 1, 'the abort at the late backend')
      assert.match(await line(proxy, 'late'), / backend=second .* hedge=won:second/)
      assert.ok(await used(proxy, 'first') > beforeFirst)
      assert.ok(await used(proxy, 'second') > beforeSecond)
      await nothingReserved(proxy)
      const metrics = await proxy.metrics()
      assert.equal(metrics.get('headroom_hedges_total{end="won"}'), 1)
      assert.equal(metrics.get('headroom_retries_total'), 0)
      assert.ok(metrics.get('headroom_hedge_tokens_total') > 0)

      const page = await why(proxy, 'late')
      const [{ decisions, attempts, end: [end] }] = page.requests
      assert.deepEqual(decisions.map(one => [one.kind, one.backend, one.reason]), [['send', 'first', 'fits'], ['send', 'second', 'hedge']])
      assert.equal(decisions[1].hedge_of, 'first')
      assert.ok(decisions[1].silent_ms > 0)
      assert.deepEqual(decisions[1].candidates.map(one => one.fate), ['has the request already and is late', 'chosen: hedge'])
      assert.deepEqual(attempts.map(one => [one.backend, one.taken, one.hedge, one.overtaken]),
        [['first', false, false, true], ['second', true, true, false]])
      assert.deepEqual([end.outcome, end.attempts, end.hedge], ['relayed', 2, 'won'])
      const same = await replay(page)
      assert.equal(same.code, 0, same.said)
      assert.match(same.said, /2 decision\(s\), 0 not the same/)
      const text = await (await fetch(`${proxy.admin}/why/late?format=text`)).text()
      assert.match(text, /send to second \(hedge\);.* a second attempt, because first had been late with its first content for \d+ ms/)
      assert.match(text, /first was given up: the other one had content first/)
      assert.match(text, /hedge: it won/)
    })
  })

  test('the late one after all: the hedge is cancelled', async () => {
    await withProxy({}, async proxy => {
      const aborted = (await mock.stats('second')).aborted_by_peer
      await mock.fault('first', 'slow', { count: 1, ms: late })
      await mock.fault('second', 'slow', { count: 1, ms: never })
      await isWhole(await send(proxy, 'after-all'))
      await until(async () => (await mock.stats('second')).aborted_by_peer === aborted + 1, 'the abort at the hedge')
      assert.match(await line(proxy, 'after-all'), / backend=first .* hedge=lost:second/)
      const [{ attempts, end: [end] }] = (await why(proxy, 'after-all')).requests
      assert.deepEqual(attempts.map(one => [one.backend, one.taken, one.overtaken]), [['second', false, true], ['first', true, false]])
      assert.equal(end.hedge, 'lost')
      await nothingReserved(proxy)
    })
  })

  test('both late: two attempts and no more, although a third backend idles', async () => {
    await withProxy({ backends: { more: { third: { url: mock.urls.third, priority: 3 } } } }, async proxy => {
      const [first, second, third] = await counts()
      await mock.fault('first', 'slow', { count: 1, ms: late })
      await mock.fault('second', 'slow', { count: 1, ms: late })
      await isWhole(await send(proxy, 'both'))
      assert.deepEqual(await counts(), [first + 1, second + 1, third])
      assert.match(await line(proxy, 'both'), / hedge=(won|lost):second/)
    })
  })

  test('a head without content wins nothing, however long it is held', async context => {
    const silent = await scripted()
    context.after(silent.stop)
    await withProxy({ env: { ...on, HEADROOM_HOLD_TIME_MAX: '200ms' }, backends: { first: { url: silent.url } } }, async proxy => {
      silent.answer = silent.head
      await mock.fault('second', 'slow', { count: 1, ms: late })
      await isWhole(await send(proxy, 'silent'))
      assert.match(await line(proxy, 'silent'), / backend=second .* hedge=won:second/)
      await until(() => silent.closed === 1, 'the silent connection closed')
    })
  })
})

describe('one of the two fails', () => {
  for (const [kind, told] of [['429', /hedge=failed:second .*after: second 429 quota/], ['reset', /hedge=failed:second .*after: second /],
    ['500', /hedge=failed:second .*after: second 500/], ['sse_error', /hedge=failed:second .*after: second 200/]]) {
    test(`the hedge, by ${kind}: the late one goes on`, async () => {
      await withProxy({}, async proxy => {
        await mock.fault('first', 'slow', { count: 1, ms: late })
        await mock.fault('second', kind, { count: 1, n: 1 })
        await isWhole(await send(proxy, 'goes-on'))
        assert.match(await line(proxy, 'goes-on'), told)
        await nothingReserved(proxy)
      })
    })
  }

  test('the late one while the hedge is under way: the hedge goes on', async context => {
    const dying = await scripted()
    context.after(dying.stop)
    await withProxy({ backends: { first: { url: dying.url } } }, async proxy => {
      const before_ = (await mock.stats('second')).requests
      dying.answer = async response => {
        await until(async () => (await mock.stats('second')).requests === before_ + 1, 'the hedge')
        response.destroy()
      }
      await mock.fault('second', 'slow', { count: 1, ms: late })
      await isWhole(await send(proxy, 'dying'))
      assert.match(await line(proxy, 'dying'), / backend=second .* hedge=won:second .*after: first (closed|reset)/)
      await nothingReserved(proxy)
    })
  })

  test('a silent head whose hedge fails is given to the client as without a hedge', async context => {
    const silent = await scripted()
    context.after(silent.stop)
    await withProxy({ env: { ...on, HEADROOM_HOLD_TIME_MAX: '200ms' }, backends: { first: { url: silent.url } } }, async proxy => {
      let held
      silent.answer = response => { silent.head(held = response) }
      // the hedge fails when the time to hold the head is over
      await mock.fault('second', 'close_stream', { count: 1, n: 0, ms: 0 })
      const response = await send(proxy, 'held')
      assert.equal(response.status, 200)
      silent.content(held)
      assert.match(await response.text(), /scripted/)
      assert.match(await line(proxy, 'held'), / backend=first .* hedge=failed:second/)
    })
  })

  test('both: the next backend is asked', async context => {
    const dying = await scripted()
    context.after(dying.stop)
    await withProxy({ backends: { first: { url: dying.url }, more: { third: { url: mock.urls.third, priority: 3 } } } }, async proxy => {
      const before_ = (await mock.stats('second')).faults_struck
      dying.answer = async response => {
        await until(async () => (await mock.stats('second')).faults_struck === before_ + 1, 'the hedge')
        response.writeHead(503).end()
      }
      await mock.fault('second', '500', { count: 1 })
      await isWhole(await send(proxy, 'both-fail'))
      assert.match(await line(proxy, 'both-fail'), / backend=third .* hedge=failed:second .*attempts=3 after: /)
      const [{ attempts, end: [end] }] = (await why(proxy, 'both-fail')).requests
      assert.deepEqual(attempts.map(one => one.backend).sort(), ['first', 'second', 'third'])
      assert.equal(end.attempts, 3)
    })
  })
})

describe('whoever ends it', () => {
  const bothUnderWay = async beforehand => until(async () => {
    const now = await counts()
    return now[0] === beforehand[0] + 1 && now[1] === beforehand[1] + 1
  }, 'both under way')
  const aborts = async () => Promise.all(['first', 'second'].map(async name => (await mock.stats(name)).aborted_by_peer))

  for (const [how, leave] of [['resets', raw => raw.socket.resetAndDestroy()], ['closes', raw => raw.close()]]) {
    test(`the client ${how}: both are cancelled`, async () => {
      await withProxy({}, async proxy => {
        const [beforehand, before_] = [await counts(), await aborts()]
        for (const name of ['first', 'second']) await mock.fault(name, 'slow', { count: 1, ms: never })
        const raw = await Raw.open(proxy.port)
        raw.write(postText(path, JSON.stringify(streamed()), 'x-request-id: leaves\r\n'))
        await bothUnderWay(beforehand)
        leave(raw)
        await until(async () => (await aborts()).every((now, i) => now === before_[i] + 1), 'both aborts')
        assert.match(await line(proxy, 'leaves'), / client_gone .* hedge=gone:second/)
        await nothingReserved(proxy)
      })
    })
  }

  test('a client that only half-closes gets its one answer', async () => {
    await withProxy({}, async proxy => {
      for (const name of ['first', 'second']) await mock.fault(name, 'slow', { count: 1, ms: late })
      const raw = await Raw.open(proxy.port)
      raw.write(postText(path, JSON.stringify(streamed()), 'x-request-id: half\r\n'))
      raw.socket.end()
      const responses = parseResponses(await raw.until())
      assert.deepEqual(responses.filter(one => one.status !== 100).map(one => [one.status, one.whole]), [[200, true]])
      assert.ok(responses.at(-1).body.endsWith('data: [DONE]\n\n'))
    })
  })

  test('a shutdown with both under way: both are cancelled, exit 0', async () => {
    await withProxy({ env: { ...on, HEADROOM_TIMEOUTS_DRAIN: '1s' } }, async proxy => {
      const [beforehand, before_] = [await counts(), await aborts()]
      for (const name of ['first', 'second']) await mock.fault(name, 'slow', { count: 1, ms: never })
      const asked = send(proxy, 'shutdown').then(response => response.status)
      await bothUnderWay(beforehand)
      assert.equal(await proxy.stop(), 0)
      assert.equal(await asked, 503)
      await until(async () => (await aborts()).every((now, i) => now === before_[i] + 1), 'both aborts')
    })
  })
})

describe('no second request', () => {
  /** The first one is late, and only that one is ever asked. */
  async function alone(options, body = streamed(), told = / backend=first (?!.*hedge)/, to = path) {
    await withProxy(options, async proxy => {
      const [first, second] = await counts()
      await mock.fault('first', 'slow', { count: 1, ms: late })
      const response = await post(proxy, to, body, { 'x-request-id': 'alone' })
      assert.equal(response.status, 200, await response.clone().text())
      await response.text()
      assert.deepEqual((await counts()).slice(0, 2), [first + 1, second])
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
    await withProxy(scarce, async proxy => {
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
    await withProxy({}, async proxy => {
      await mock.fault('first', 'slow', { count: 1, ms: never })
      const response = await post(proxy, '/v1/responses', ask({ store: false }), { 'x-request-id': 'response' })
      assert.match(await response.text(), /event: response.completed/)
      assert.match(await line(proxy, 'response'), / hedge=won:second/)
    })
  })
})

test('a backend that never says a word is found out, although its clients never wait for it', async () => {
  await withProxy({}, async proxy => {
    await mock.fault('first', 'hang')
    for (let i = 0; i < 3; i++) await isWhole(await send(proxy, `hangs-${i}`))
    const first = (await quotas(proxy)).find(one => one.backend === 'first')
    assert.equal(first.breaker, 'open', JSON.stringify(first))
    const before_ = (await mock.stats('first')).requests
    await isWhole(await send(proxy, 'spared'))
    assert.equal((await mock.stats('first')).requests, before_)
  })
})

test('many at once, some late, some left by their clients: every answer whole, every lease ended', async () => {
  // a seed of its own for each run; it is told when the test fails
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  let state = seed
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  const env = { ...on, HEADROOM_HEDGE_AFTER_PERCENTILE: '50', HEADROOM_RETRY_BUDGET_PER_SECOND: '1000' }
  await withProxy({ env }, async proxy => {
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
