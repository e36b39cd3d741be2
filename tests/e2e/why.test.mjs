// Every request can be explained: its name on all sides, /why in JSON and in words, replay, /quotas.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { replay, why } from './harness/explained.mjs'
import { Mock, Proxy, chat, post } from './harness/programs.mjs'

const path = '/v1/chat/completions'
const field = 'x-headroom-request-id'
let mock
before(async () => { mock = await Mock.start(['one,tpm=0,rpm=0,output=8', 'two,tpm=0,rpm=0,output=8']) })
after(() => mock.stop())
afterEach(() => mock.clearFaults())

async function withProxy(use, args = []) {
  const backends = { one: { url: mock.urls.one, priority: 1, tpm: 60000 }, two: { url: mock.urls.two, priority: 2, tpm: 60000 } }
  // who waits is not refused: these tests want to see refusals
  const proxy = await Proxy.start({ backends, args, env: { HEADROOM_QUEUE_WAIT: '0' } })
  try {
    await use(proxy)
  } finally {
    assert.equal(await proxy.stop(), 0)
  }
}

test('a retried request: both decisions, both attempts, the end, and the same again', async () => {
  await withProxy(async proxy => {
    await mock.fault('one', '429', { count: 1 })
    const response = await post(proxy, path, chat(), { 'x-request-id': 'my-request.1' })
    await response.text()
    assert.equal(response.status, 200)
    assert.equal(response.headers.get(field), 'my-request.1')
    const page = await why(proxy, 'my-request.1')
    assert.equal(page.id, 'my-request.1')
    const [{ decisions, attempts, end: [end] }] = page.requests
    assert.deepEqual(decisions.map(one => [one.kind, one.backend, one.reason]), [['send', 'one', 'fits'], ['send', 'two', 'fits']])
    assert.deepEqual(decisions[0].candidates.map(one => one.fate), ['chosen: fits', 'not looked at: a preferred group had room'])
    assert.deepEqual(decisions[1].candidates.map(one => one.fate), ['was asked before', 'chosen: fits'])
    assert.deepEqual(attempts.map(one => [one.backend, one.status, one.taken]), [['one', 429, false], ['two', 200, true]])
    assert.equal(attempts[0].verdict, 'quota')
    assert.deepEqual([end.status, end.outcome, end.attempts, end.metered], [200, 'relayed', 2, true])
    assert.ok(end.prompt_tokens > 0 && end.completion_tokens > 0)

    const same = await replay(JSON.stringify(page) + '\n' + JSON.stringify(page))
    assert.equal(same.code, 0, same.said)
    assert.match(same.said, /4 decision\(s\), 0 not the same/)
    const changed = structuredClone(page)
    changed.requests[0].decisions[1].record.candidates[0].used += 0.25
    const other = await replay(JSON.stringify(changed))
    assert.equal(other.code, 1, other.said)
    assert.match(other.said, /NOT the same: score\[1\]/)
    for (const wrong of ['', '{}', '[1]', 'no json', JSON.stringify({ id: 'x', requests: [{ decisions: [{}] }] })]) {
      assert.equal((await replay(wrong)).code, 2, wrong)
    }
  })
})

test('in words: by query and by Accept', async () => {
  await withProxy(async proxy => {
    await (await post(proxy, path, chat({ stream: true }), { 'x-request-id': 'words' })).text()
    await why(proxy, 'words')
    for (const [query, headers] of [['?format=text', {}], ['', { accept: 'text/plain' }]]) {
      const response = await fetch(`${proxy.admin}/why/words${query}`, { headers })
      assert.match(response.headers.get('content-type'), /^text\/plain/)
      const text = await response.text()
      assert.match(text, /send to one \(fits\); costs \d+ tokens/)
      assert.match(text, /\n {2}two .*not looked at/)
      assert.match(text, /answered 200: given to the client/)
      assert.match(text, /relayed after 1 attempt\(s\)/)
    }
  })
})

test('names: a client that gives none or a wild one gets ours; it is in our errors and in the log', async () => {
  for (const format of ['text', 'json']) {
    await withProxy(async proxy => {
      const wild = ['a b', 'x'.repeat(65), 'a"b', '<b>', '../../quotas']
      for (const given of [undefined, ...wild]) {
        const response = await post(proxy, path, chat(), given === undefined ? {} : { 'x-request-id': given })
        await response.text()
        const id = response.headers.get(field)
        assert.match(id, /^[0-9a-f]{16}$/)
        const from = format === 'json' ? `"id":"${id}"` : ` id=${id}`
        await proxy.access(0, line => line.includes(from))
        assert.equal((await why(proxy, id)).requests.length, 1)
      }
      const missing = await fetch(`${proxy.url}/nowhere`, { headers: { 'x-request-id': 'lost' } })
      await missing.text()
      assert.equal(missing.status, 404)
      assert.equal(missing.headers.get(field), 'lost')
      assert.equal(missing.headers.get('x-request-id'), 'lost')
    }, ['--log', format])
  }
})

test('when nobody can serve, the refusal is explained too', async () => {
  await withProxy(async proxy => {
    for (const backend of ['one', 'two']) await mock.fault(backend, '429')
    const response = await post(proxy, path, chat(), { 'x-request-id': 'refused' })
    await response.text()
    assert.equal(response.status, 429)
    const page = await why(proxy, 'refused')
    const last = page.requests[0].decisions.at(-1)
    assert.deepEqual([last.kind, last.reason], ['refuse', 'quota'])
    assert.ok(last.retry_after_ms > 0)
    assert.equal((await replay(JSON.stringify(page))).code, 0)
    assert.match(await (await fetch(`${proxy.admin}/why/refused?format=text`)).text(), /exhausted after 2 attempt\(s\)/)
  })
})

test('what is not recorded: 404, and how far back the records reach', async () => {
  await withProxy(async proxy => {
    const page = async () => {
      const response = await fetch(`${proxy.admin}/why/unknown`)
      assert.equal(response.status, 404)
      return response.text()
    }
    assert.match(await page(), /Nothing is recorded yet/)
    await (await post(proxy, path, chat(), { 'x-request-id': 'first' })).text()
    await why(proxy, 'first')
    assert.match(await page(), /records reach back to \d{4}-\d\d-\d\dT[\d:.]+Z/)
  })
})

test('/quotas: what the twin knows of every deployment', async () => {
  await withProxy(async proxy => {
    await (await post(proxy, path, chat())).text()
    const { quotas } = await (await fetch(`${proxy.admin}/quotas`)).json()
    const one = quotas.find(slot => slot.backend === 'one' && slot.sent === 1)
    assert.equal(one.tokens_limit, 60000)
    assert.ok(one.tokens_used > 0)
    assert.deepEqual([one.refusals, one.faults, one.breaker], [0, 0, 'closed'])
    const text = await (await fetch(`${proxy.admin}/quotas?format=text`)).text()
    assert.match(text, /\none /)
    assert.match(one.summary, /^not learned yet: .*, limit 60000/)
    assert.match(text, /tokens_limit +60000/)
  })
})
