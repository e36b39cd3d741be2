// What the tests of hedging share: two backends in order, of which the first one's usual speed is known, and short ways to look.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Mock, Proxy, chat, post, until } from './programs.mjs'

export const path = '/v1/chat/completions'
export const on = { HEADROOM_HEDGE_ENABLED: 'true' }
/** Later than anything that a busy machine makes late, sooner than anybody's patience. */
export const late = 3_000
export const never = 600_000
export const streamed = (more = {}) => chat({ stream: true, ...more })

export const startMock = () => Mock.start(['first', 'second', 'third'].map(name => `${name},tpm=0,rpm=0,output=8`))

/** A backend whose answers are given by `answer`, after the streams that the proxy learns from. */
export async function scripted() {
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
export async function withProxy(mock, { env = on, backends = {}, learn = true }, use) {
  const all = Object.fromEntries(['first', 'second'].map((name, i) => [name, { url: mock.urls[name], priority: i + 1, ...backends[name] }]))
  const proxy = await Proxy.start({ backends: { ...all, ...backends.more }, env })
  try {
    if (learn) await teach(proxy)
    await use(proxy)
  } finally {
    assert.equal(await proxy.stop(), 0)
  }
}

async function teach(proxy) {
  for (let i = 0; i < 32; i++) assert.equal((await (await post(proxy, path, streamed())).text()).slice(-14), 'data: [DONE]\n\n')
}

export async function isWhole(response) {
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

export const send = (proxy, id, body = streamed()) => post(proxy, path, body, { 'x-request-id': id })
export const line = (proxy, id) => proxy.access(0, text => text.includes(` id=${id} `))
export const quotas = async proxy => (await (await fetch(`${proxy.admin}/quotas`)).json()).quotas.filter(one => one.sent > 0)
export const used = async (proxy, backend) => (await quotas(proxy)).find(one => one.backend === backend)?.tokens_used ?? 0
export const nothingReserved = async proxy =>
  until(async () => (await quotas(proxy)).every(one => one.tokens_reserved === 0 && one.in_flight === 0), 'every lease ended')
export const counts = async mock => Promise.all(['first', 'second', 'third'].map(async name => (await mock.stats(name)).requests))
