// Whoever leaves early: the client, the backend, or we ourselves.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import OpenAI from 'openai'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'
import { Raw, parseResponses, postText } from './harness/raw.mjs'

let mock
let proxy
before(async () => {
  mock = await Mock.start(['slow,tpm=0,rpm=0,token_ms=50', 'late,tpm=0,rpm=0,ttft=60000'])
  proxy = await Proxy.start({ backends: { slow: mock.urls.slow } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  await mock.stop()
})
afterEach(() => mock.clearFaults())

test('the client leaves while it waits: the backend\'s request is cancelled', async () => {
  const own = await Proxy.start({ backends: { late: mock.urls.late } })
  const control = new AbortController()
  const asked = post(own, '/v1/chat/completions', chat()).catch(() => {})
  const leaving = fetch(`${own.url}/v1/chat/completions`, { method: 'POST', signal: control.signal,
    headers: { 'content-type': 'application/json' }, body: JSON.stringify(chat()) })
  await until(async () => (await mock.stats('late')).in_flight === 2, 'both requests at the backend')
  control.abort()
  await assert.rejects(leaving)
  await until(async () => (await mock.stats('late')).aborted_by_peer === 1, 'the abort at the backend')
  assert.match(await own.access(0), /client_gone/)
  assert.equal((await mock.stats('late')).in_flight, 1)
  await own.stop('SIGKILL')
  await asked
})

test('the client leaves in the middle of a stream: the backend\'s request is cancelled', async () => {
  const before = (await mock.stats('slow')).aborted_by_peer
  const from = proxy.lines.length
  const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'x', maxRetries: 0 })
  const stream = await client.chat.completions.create(chat({ stream: true, max_tokens: 4000, messages: [{ role: 'user', content: '[[tokens=4000]]' }] }))
  let chunks = 0
  for await (const chunk of stream) {
    assert.ok(chunk)
    if (++chunks === 5) break
  }
  stream.controller.abort()
  await until(async () => (await mock.stats('slow')).aborted_by_peer === before + 1, 'the abort at the backend')
  assert.match(await proxy.access(from), /client_gone/)
})

test('a client that only half-closes gets its answer', async () => {
  const raw = await Raw.open(proxy.port)
  raw.write(postText('/v1/chat/completions', JSON.stringify(chat())))
  raw.socket.end()
  const responses = parseResponses(await raw.until())
  assert.equal(responses.at(-1).status, 200)
  assert.ok(responses.at(-1).whole)
  assert.ok(responses.slice(0, -1).every(one => one.status === 100))
})

for (const kind of ['reset_stream', 'close_stream', 'hang_stream']) {
  test(`the backend fails in the middle of a stream (${kind}): it never looks whole`, async () => {
    const own = await Proxy.start({ backends: { fast: mock.urls.slow }, env: { HTTP_TIMEOUT_SECONDS: '1' } })
    await mock.fault('slow', kind, { count: 1, n: 5 })
    const raw = await Raw.open(own.port)
    raw.write(postText('/v1/chat/completions', JSON.stringify(chat({ stream: true, max_tokens: 40 }))))
    const [response] = parseResponses(await raw.until(text => parseResponses(text)[0]?.whole))
    assert.equal(response.status, 200)
    assert.ok(response.body.includes('"delta"'), 'some of the stream arrived')
    assert.ok(!response.body.includes('[DONE]'))
    assert.ok(!response.whole || /event: error\r?\ndata: \{.*"error":\{/.test(response.body), response.body.slice(-200))
    assert.match(await own.access(0), / broken /)
    if (response.whole) {
      // its end was in order, and nothing announced that the connection would end with it
      raw.write('GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n')
      const both = parseResponses(await raw.until(text => parseResponses(text)[1]?.whole))
      assert.equal(both[1]?.body, 'Healthy')
    }
    raw.close()

    await mock.fault('slow', kind, { count: 1, n: 5 })
    const client = new OpenAI({ baseURL: `${own.url}/v1`, apiKey: 'x', maxRetries: 0 })
    await assert.rejects(async () => {
      for await (const chunk of await client.chat.completions.create(chat({ stream: true, max_tokens: 40 }))) assert.ok(chunk)
    })
    await own.stop()
  })
}

test('a backend that fails in the middle of a close-delimited answer for HTTP/1.0: the client sees a reset, not an end', async () => {
  const own = await Proxy.start({ backends: { fast: mock.urls.slow }, env: { HTTP_TIMEOUT_SECONDS: '1' } })
  // a silence first, so that the client has read all: libuv takes a reset that comes together with data for an end
  await mock.fault('slow', 'hang_stream', { count: 1, n: 5 })
  const raw = await Raw.open(own.port)
  raw.write(postText('/v1/chat/completions', JSON.stringify(chat({ stream: true, max_tokens: 40 }))).replace('HTTP/1.1', 'HTTP/1.0'))
  await raw.until()
  assert.equal(raw.error?.code, 'ECONNRESET', raw.text)
  await own.stop()
})

test('SIGTERM: open streams finish, new connections are refused, exit 0', async () => {
  const own = await Proxy.start({ backends: { slow: mock.urls.slow } })
  const streams = []
  for (let i = 0; i < 20; i++) {
    const raw = await Raw.open(own.port)
    raw.write(postText('/v1/chat/completions', JSON.stringify(chat({ stream: true, max_tokens: 20 }))))
    streams.push(raw)
  }
  const idle = await Raw.open(own.port)
  for (const raw of streams) await raw.until(text => text.includes('"delta"'))
  const ended = own.stop()
  await idle.until()
  for (const raw of streams) {
    const [response] = parseResponses(await raw.until())
    assert.ok(response.whole && response.body.endsWith('data: [DONE]\n\n'))
  }
  assert.equal(await ended, 0)
  await assert.rejects(fetch(`${own.url}/healthz`))
})

test('SIGTERM with a stream that outlasts the drain limit: an end that shows, exit 0', async () => {
  const own = await Proxy.start({ backends: { late: mock.urls.slow }, env: { HEADROOM_TIMEOUTS_DRAIN: '1s' } })
  const raw = await Raw.open(own.port)
  raw.write(postText('/v1/chat/completions', JSON.stringify(chat({ stream: true, max_tokens: 4000, messages: [{ role: 'user', content: '[[tokens=4000]]' }] }))))
  await raw.until(text => text.includes('"delta"'))
  assert.equal(await own.stop(), 0)
  const [response] = parseResponses(await raw.until())
  assert.ok(!response.body.includes('[DONE]'))
  assert.ok(!response.whole || response.body.includes('event: error'))
})
