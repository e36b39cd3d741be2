// A stream that is late to begin is raced against a second backend: one answer, both charged, the loser cancelled.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { replay, why } from './harness/explained.mjs'
import { counts, isWhole, late, line, never, nothingReserved, on, path, quotas, scripted, send, startMock, streamed, used, withProxy } from './harness/hedging.mjs'
import { until } from './harness/programs.mjs'
import { Raw, parseResponses, postText } from './harness/raw.mjs'

let mock
before(async () => { mock = await startMock() })
after(() => mock.stop())
afterEach(() => mock.clearFaults())

describe('who has content first', () => {
  test('the hedge: its stream is the client\'s, the late one is cancelled, both are charged, all of it is told', async () => {
    await withProxy(mock, {}, async proxy => {
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
      const known = (await quotas(proxy)).find(one => one.backend === 'first')
      assert.deepEqual(known.late_after.map(one => one.prompt_max), [1024])
      assert.ok(known.late_after[0].s > 0)
      assert.match(known.summary, /, late after \d+\.\d{3} s for prompts up to 1024 tokens$/)
    })
  })

  test('the late one after all: the hedge is cancelled', async () => {
    await withProxy(mock, {}, async proxy => {
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
    await withProxy(mock, { backends: { more: { third: { url: mock.urls.third, priority: 3 } } } }, async proxy => {
      const [first, second, third] = await counts(mock)
      await mock.fault('first', 'slow', { count: 1, ms: late })
      await mock.fault('second', 'slow', { count: 1, ms: late })
      await isWhole(await send(proxy, 'both'))
      assert.deepEqual(await counts(mock), [first + 1, second + 1, third])
      assert.match(await line(proxy, 'both'), / hedge=(won|lost):second/)
    })
  })

  test('a head without content wins nothing, however long it is held', async context => {
    const silent = await scripted()
    context.after(silent.stop)
    await withProxy(mock, { env: { ...on, HEADROOM_HOLD_TIME_MAX: '200ms' }, backends: { first: { url: silent.url } } }, async proxy => {
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
      await withProxy(mock, {}, async proxy => {
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
    await withProxy(mock, { backends: { first: { url: dying.url } } }, async proxy => {
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

  test('a hedge that answers with an error wins nothing while the late one is under way', async () => {
    await withProxy(mock, {}, async proxy => {
      await mock.fault('first', 'slow', { count: 1, ms: late })
      await mock.fault('second', '400', { count: 1 })
      await isWhole(await send(proxy, 'refused-there'))
      assert.match(await line(proxy, 'refused-there'), / backend=first .* hedge=lost:second/)
      await nothingReserved(proxy)
    })
  })

  test('but is better than nothing', async context => {
    const dying = await scripted()
    context.after(dying.stop)
    await withProxy(mock, { backends: { first: { url: dying.url } } }, async proxy => {
      const before_ = (await mock.stats('second')).faults_struck
      dying.answer = async response => {
        await until(async () => (await mock.stats('second')).faults_struck === before_ + 1, 'the hedge')
        response.destroy()
      }
      await mock.fault('second', '400', { count: 1 })
      const response = await send(proxy, 'dying')
      assert.equal(response.status, 400)
      assert.ok(JSON.parse(await response.text()).error)
      assert.match(await line(proxy, 'dying'), / backend=second .* hedge=won:second .*after: first (closed|reset)/)
      await nothingReserved(proxy)
    })
  })

  test('a silent head whose hedge fails is given to the client as without a hedge', async context => {
    const silent = await scripted()
    context.after(silent.stop)
    await withProxy(mock, { env: { ...on, HEADROOM_HOLD_TIME_MAX: '200ms' }, backends: { first: { url: silent.url } } }, async proxy => {
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
    await withProxy(mock, { backends: { first: { url: dying.url }, more: { third: { url: mock.urls.third, priority: 3 } } } }, async proxy => {
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
    const now = await counts(mock)
    return now[0] === beforehand[0] + 1 && now[1] === beforehand[1] + 1
  }, 'both under way')
  const aborts = async () => Promise.all(['first', 'second'].map(async name => (await mock.stats(name)).aborted_by_peer))

  for (const [how, leave] of [['resets', raw => raw.socket.resetAndDestroy()], ['closes', raw => raw.close()]]) {
    test(`the client ${how}: both are cancelled`, async () => {
      await withProxy(mock, {}, async proxy => {
        const [beforehand, before_] = [await counts(mock), await aborts()]
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
    await withProxy(mock, {}, async proxy => {
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
    await withProxy(mock, { env: { ...on, HEADROOM_TIMEOUTS_DRAIN: '1s' } }, async proxy => {
      const [beforehand, before_] = [await counts(mock), await aborts()]
      for (const name of ['first', 'second']) await mock.fault(name, 'slow', { count: 1, ms: never })
      const asked = send(proxy, 'shutdown').then(response => response.status)
      await bothUnderWay(beforehand)
      assert.equal(await proxy.stop(), 0)
      assert.equal(await asked, 503)
      await until(async () => (await aborts()).every((now, i) => now === before_[i] + 1), 'both aborts')
    })
  })
})
