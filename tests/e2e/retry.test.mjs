// What one backend refuses or spoils, another one answers; what is the client's own doing is passed on byte by byte.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { Mock, Proxy, chat, post } from './harness/programs.mjs'

const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
/** Requests that find no quota are refused at once. */
const notWaiting = { HEADROOM_QUEUE_LENGTH_MAX: '0' }
/** `first` is always tried first, so that its fault is met. */
const inOrder = mock => ({
  first: { url: mock.urls.first, priority: 1 }, second: { url: mock.urls.second, priority: 2 } })

/** A backend that answers everything with these events and an orderly end. */
async function sseBackend(events) {
  const backend = { requests: 0 }
  const server = createServer((request, response) => {
    backend.requests++
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(events.map(event => `data: ${event}\n\n`).join(''))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  backend.url = `http://127.0.0.1:${server.address().port}`
  backend.stop = () => { server.close(); server.closeAllConnections() }
  return backend
}

let mock
before(async () => { mock = await Mock.start(['first,tpm=0,rpm=0,output=8', 'second,tpm=0,rpm=0,output=8']) })
after(() => mock.stop())
afterEach(() => mock.clearFaults())

async function withProxy(options, use) {
  const proxy = await Proxy.start(options)
  try {
    await use(proxy)
  } finally {
    assert.equal(await proxy.stop(), 0)
  }
}

describe('a fault of one backend', () => {
  const faults = ['429', 'high_demand', '500', '502', '503', '504', '408', '401', '403', 'hang', 'reset', 'reset_unread', 'close', 'refuse',
    'bad_status', 'both_framings', 'length_long', 'length_short', 'reset_bytes', 'hang_accept', 'reset_accept', 'huge_head']
  const onStreams = ['429', '500', 'reset', 'hang', 'hang_stream', 'reset_stream', 'close_stream', 'bad_chunk', 'sse_error']
  const cases = [...faults.map(kind => [kind, false]), ...onStreams.map(kind => [kind, true])]
  for (const [kind, stream] of cases) {
    test(`${kind}${stream ? ' of a stream' : ''}: the other answers, the client sees nothing`, async () => {
      await withProxy({ backends: inOrder(mock), env: { HTTP_TIMEOUT_SECONDS: '1' } }, async proxy => {
        const beforehand = (await mock.stats('second')).requests
        // before the first content: after the filter results that open a stream at the latest
        const more = /stream|chunk|sse/.test(kind) ? { n: 1 } : kind === 'huge_head' ? { n: 200_000 } : kind === 'length_long' ? { n: 10 } : {}
        await mock.fault('first', kind, kind === 'refuse' ? {} : { count: 1, ...more })
        const response = await post(proxy, path, chat({ stream }))
        const text = await response.text()
        assert.equal(response.status, 200, text)
        assert.ok(stream ? text.endsWith('data: [DONE]\n\n') : JSON.parse(text).choices[0].message.content.length > 0)
        assert.equal((await mock.stats('second')).requests, beforehand + 1)
        assert.match(await proxy.access(0), /attempts=2 after: first /)
      })
    })
  }

  test('DeploymentNotFound concerns that deployment only', async () => {
    const own = await Mock.start(['first,tpm=0,rpm=0,deployments=other:gpt-4o', 'second,tpm=0,rpm=0'])
    await withProxy({ backends: inOrder(own) }, async proxy => {
      assert.equal((await post(proxy, path, chat())).status, 200)
      assert.equal((await own.stats('second')).requests, 1)
      const other = await post(proxy, path.replace('/chat/chat', '/other/chat'), chat())
      assert.equal(other.status, 200)
      assert.equal((await own.stats('first')).statuses['200'], 1)
    })
    await own.stop()
  })
})

describe('the client\'s own errors', () => {
  for (const [mark, code] of [['content_filter', 'content_filter'], ['context_length', 'context_length_exceeded']]) {
    test(`${code} is passed on byte by byte and not retried`, async () => {
      await withProxy({ backends: inOrder(mock) }, async proxy => {
        const beforehand = (await mock.stats('second')).requests
        const body = chat({ messages: [{ role: 'user', content: `[[${mark}]]` }] })
        const viaProxy = await post(proxy, path, body)
        const direct = await fetch(mock.urls.first + path, { method: 'POST', body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'api-key': 'key-of-first' } })
        assert.equal(viaProxy.status, 400)
        const text = await viaProxy.text()
        assert.equal(text, await direct.text())
        assert.equal(JSON.parse(text).error.code, code)
        assert.equal((await mock.stats('second')).requests, beforehand)
      })
    })
  }
})

describe('when every backend refuses', () => {
  const statusOf = async (first, second, more = {}) => {
    let got
    await withProxy({ backends: inOrder(mock) }, async proxy => {
      await mock.fault('first', first, { count: 1, n: 1 })
      await mock.fault('second', second, { count: 1, n: 1 })
      const response = await post(proxy, path, chat(more))
      got = [response.status, await response.text()]
    })
    return got
  }
  for (const other of ['401', '403', '408', '404', 'reset']) {
    test(`a 5xx and ${other}, in either order: the client gets the 5xx`, async () => {
      assert.equal((await statusOf('503', other))[0], 503)
      assert.equal((await statusOf(other, '503'))[0], 503)
    })
  }

  test('one by quota and one by a fault: 429, also while the quota is only remembered', async () => {
    await withProxy({ backends: inOrder(mock) }, async proxy => {
      await mock.fault('first', '429', { count: 1, retry_after_ms: 30_000 })
      await mock.fault('second', '500', { count: 2 })
      const asked = (await mock.stats('first')).requests
      for (let i = 0; i < 2; i++) {
        const response = await post(proxy, path, chat())
        assert.equal(response.status, 429)
        assert.ok(Number(response.headers.get('retry-after-ms')) > 1000)
        await response.text()
      }
      assert.equal((await mock.stats('first')).requests, asked + 1)
    })
  })

  for (const [what, events] of [['nothing', []], ['filter results only', ['{"id":"","choices":[],"prompt_filter_results":[]}']]]) {
    test(`a stream of ${what} that ends in order is no answer`, async context => {
      const empty = await sseBackend(events)
      context.after(empty.stop)
      await withProxy({ backends: { one: empty.url } }, async proxy => {
        const response = await post(proxy, path, chat({ stream: true }))
        await response.text()
        assert.equal(response.status, 502)
      })
    })
  }

  test('a stream that begins with a quota error is a refusal, not an ill backend', async context => {
    const full = await sseBackend(['{"error":{"code":"rate_limit_exceeded","message":"Please retry after 7 seconds."}}'])
    context.after(full.stop)
    await withProxy({ backends: { one: full.url }, env: notWaiting }, async proxy => {
      for (let i = 0; i < 4; i++) {
        const response = await post(proxy, path, chat({ stream: true }))
        assert.equal(response.status, 429)
        assert.match(response.headers.get('retry-after'), /^[78]$/) // spread by an eighth
        assert.ok(Number(response.headers.get('retry-after-ms')) > 6_000)
        await response.text()
      }
      assert.equal(full.requests, 1)
      assert.match(await proxy.access(0), / after: one 429 quota/)
    })
  })

  test('429 in Azure\'s shape, with the wait of the soonest', async () => {
    const small = await Mock.start(['first,tpm=1000,rpm=0', 'second,tpm=1000,rpm=0'])
    await withProxy({ backends: { first: { url: small.urls.first, tpm: 1000 }, second: { url: small.urls.second, tpm: 1000 } }, env: notWaiting }, async proxy => {
      const statuses = []
      let refused
      for (let i = 0; i < 6; i++) {
        const response = await post(proxy, path, chat({ max_tokens: 900 }))
        statuses.push(response.status)
        if (response.status === 429) refused = refused ?? response
        else await response.text()
      }
      assert.deepEqual(statuses, [200, 200, 429, 429, 429, 429])
      const seconds = Number(refused.headers.get('retry-after'))
      const ms = Number(refused.headers.get('retry-after-ms'))
      assert.ok(seconds >= 1 && seconds <= 60, `retry-after ${seconds}`)
      assert.ok(ms > 0 && ms <= seconds * 1000 && ms > (seconds - 1) * 1000, `retry-after-ms ${ms}`)
      const { error } = await refused.json()
      assert.equal(error.code, '429')
      assert.match(error.message, new RegExp(`retry after ${seconds} second`))
      // a blocked backend is not asked again: the third request met both, the later ones none
      const asked = (await small.stats('first')).requests + (await small.stats('second')).requests
      assert.ok(asked <= 4, `${asked} requests reached the backends`)
    })
    await small.stop()
  })

  test('the last 5xx when none was quota; each backend is asked once', async () => {
    await withProxy({ backends: inOrder(mock) }, async proxy => {
      const [first, second] = [(await mock.stats('first')).requests, (await mock.stats('second')).requests]
      await mock.fault('first', '503', { count: 5 })
      await mock.fault('second', '500', { count: 5 })
      const response = await post(proxy, path, chat())
      assert.equal(response.status, 500)
      assert.ok((await response.json()).error)
      assert.equal((await mock.stats('first')).requests, first + 1)
      assert.equal((await mock.stats('second')).requests, second + 1)
    })
  })

  test('502 when nobody can be reached', async () => {
    await withProxy({ backends: inOrder(mock) }, async proxy => {
      await mock.fault('first', 'refuse')
      await mock.fault('second', 'refuse')
      const response = await post(proxy, path, chat())
      assert.equal(response.status, 502)
      assert.ok((await response.json()).error.message)
    })
  })
})

test('a backend that dies of a request is not asked it again, also on a connection used before', async context => {
  const asked = []
  const start = async name => {
    const server = createServer((request, response) => {
      let text = ''
      request.on('data', data => { text += data })
      request.on('end', () => {
        if (!text.includes('poison')) return response.end('{"choices":[]}')
        asked.push(name)
        // tidy: allow test_waits: longer than a stale connection takes to show it
        setTimeout(() => request.socket.destroy(), 1000)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const servers = [await start('first'), await start('second')]
  context.after(() => servers.forEach(server => { server.close(); server.closeAllConnections() }))
  const [first, second] = servers.map(server => `http://127.0.0.1:${server.address().port}`)
  await withProxy({ backends: { first: { url: first, priority: 1 }, second: { url: second, priority: 2 } } }, async proxy => {
    await (await post(proxy, path, chat())).text()
    assert.equal((await post(proxy, path, chat({ user: 'poison' }))).status, 502)
    assert.deepEqual(asked, ['first', 'second'])
  })
})

test('a connection that went stale while idle is replaced, not blamed', async () => {
  await withProxy({ backends: { first: mock.urls.first } }, async proxy => {
    for (let i = 0; i < 3; i++) {
      await mock.fault('first', 'stale', { count: 1 })
      const response = await post(proxy, path, chat())
      assert.equal(response.status, 200)
      await response.text()
    }
  })
})
