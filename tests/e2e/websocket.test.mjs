// A WebSocket is a tunnel of bytes: messages, sizes, both ways to end, and a handshake that is tried on another backend.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { after, afterEach, before, test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import { Mock, Proxy, until } from './harness/programs.mjs'

const path = '/openai/realtime?api-version=2024-10-01-preview&deployment=chat'
let mock
let proxy
before(async () => {
  mock = await Mock.start(['first,tpm=0,rpm=0,output=8', 'second,tpm=0,rpm=0,output=8'])
  proxy = await Proxy.start({ backends: { first: mock.urls.first } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  await mock.stop()
})
afterEach(() => mock.clearFaults())

const address = (at = proxy, where = path) => at.url.replace('http', 'ws') + where
/** Opened, with what arrives kept in `got`. */
async function open(url = address()) {
  const socket = new WebSocket(url, { headers: { 'api-key': 'the-clients-own-key' }, perMessageDeflate: false })
  socket.got = []
  socket.on('message', (data, binary) => socket.got.push({ data, binary }))
  await once(socket, 'open')
  return socket
}
/** The status of a refused handshake. */
function refused(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.on('error', () => {})
    socket.on('open', () => reject(new Error('was not refused')))
    socket.on('unexpected-response', (request, response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
  })
}

for (const where of [path, '/openai/v1/realtime?model=chat', '/v1/realtime?model=chat', '/realtime?model=chat']) {
  test(`text and binary, small and large: ${where}`, async () => {
    const socket = await open(address(proxy, where))
    await until(() => socket.got.length === 1, 'the greeting')
    assert.equal(JSON.parse(socket.got[0].data).type, 'session.created')
    const text = JSON.stringify({ type: 'mock.echo', text: 'ä€😀' })
    socket.send(text)
    await until(() => socket.got.length === 2, 'the text')
    assert.equal(socket.got[1].data.toString(), text)
    assert.equal(socket.got[1].binary, false)
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const data = randomBytes(size)
      const at = socket.got.length
      socket.send(data)
      await until(() => socket.got.length > at, `${size} bytes`)
      assert.ok(socket.got[at].binary && socket.got[at].data.equals(data))
    }
    socket.close(1000, 'done')
    assert.equal((await once(socket, 'close'))[0], 1000)
    const request = (await mock.requests('first')).at(-1)
    assert.ok(!JSON.stringify(request).includes('the-clients-own-key'))
    assert.equal(request.api_key || request.authorization.replace('Bearer ', ''), 'key-of-first')
  })
}

test('a key among the offered protocols stays here', async () => {
  const offered = ['realtime', 'openai-insecure-api-key.the-clients-own-key', 'openai-beta.realtime-v1']
  for (const [auth, expected] of [['key', 'realtime, openai-beta.realtime-v1'], ['passthrough', offered.join(',')]]) {
    let seen
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'realtime' })
    await once(server, 'listening')
    server.on('connection', (socket, request) => { seen = request.headers['sec-websocket-protocol']; socket.close() })
    const own = await Proxy.start({ backends: { one: {
      url: `http://127.0.0.1:${server.address().port}`, auth, apikey: auth === 'key' ? 'key-of-one' : undefined } } })
    const socket = new WebSocket(address(own), offered)
    await once(socket, 'close')
    assert.equal(socket.protocol, 'realtime')
    assert.equal(seen.replaceAll(', ', ','), expected.replaceAll(', ', ','))
    await own.stop()
    server.close()
  }
})

test('the backend closes with a code of its own, or dies: the client learns it', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  server.on('connection', socket => socket.on('message', data => data.toString() === 'close' ? socket.close(4001, 'enough') : socket.terminate()))
  const own = await Proxy.start({ backends: { one: `http://127.0.0.1:${server.address().port}` } })
  for (const [say, code] of [['close', 4001], ['die', 1006]]) {
    const socket = await open(address(own))
    socket.send(say)
    const [got, reason] = await once(socket, 'close')
    assert.equal(got, code)
    if (code === 4001) assert.equal(reason.toString(), 'enough')
  }
  assert.equal(await own.stop(), 0)
  server.close()
})

test('the client dies: the backend\'s side ends', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const own = await Proxy.start({ backends: { one: `http://127.0.0.1:${server.address().port}` } })
  const arrived = once(server, 'connection')
  const socket = await open(address(own))
  const [far] = await arrived
  const ended = once(far, 'close')
  socket.terminate()
  assert.equal((await ended)[0], 1006)
  assert.equal(await own.stop(), 0)
  server.close()
})

test('a tunnel has the name of its request', async () => {
  const from = proxy.lines.length
  const socket = new WebSocket(address(), { headers: { 'x-request-id': 'tunnel.1' } })
  const [response] = await once(socket, 'upgrade')
  assert.equal(response.headers['x-headroom-request-id'], 'tunnel.1')
  socket.close()
  await proxy.access(from, line => line.includes('tunnel.1'))
})

test('a refused upgrade passes its status on', async () => {
  await mock.fault('first', '400', { count: 1 })
  assert.equal(await refused(address()), 400)
})

for (const kind of ['429', '500', 'reset', 'refuse']) {
  test(`the handshake is tried on the other backend after ${kind}`, async () => {
    const own = await Proxy.start({ backends: { first: { url: mock.urls.first, priority: 1 }, second: { url: mock.urls.second, priority: 2 } } })
    const sockets = (await mock.stats('second')).websockets
    await mock.fault('first', kind, kind === 'refuse' ? {} : { count: 1 })
    const socket = await open(address(own))
    await until(() => socket.got.length === 1, 'the greeting')
    assert.equal((await mock.stats('second')).websockets, sockets + 1)
    socket.close()
    await once(socket, 'close')
    assert.match(await own.access(0), /after: first /)
    assert.equal(await own.stop(), 0)
  })
}
