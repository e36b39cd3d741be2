// Interim responses (1xx) of backends are the client's, except 100, and except those of an attempt that is not chosen.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Backend } from './harness/backend.mjs'
import { line, path, scripted, startMock, streamed, withProxy } from './harness/hedging.mjs'
import { Proxy, until } from './harness/programs.mjs'
import { Raw, exchange, parseResponses, postText } from './harness/raw.mjs'

const hint = (link, fields = '') => `HTTP/1.1 103 Early Hints\r\nLink: <${link}>\r\n${fields}\r\n`
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const get = (fields = 'Connection: close\r\n', version = '1.1') => `GET /v1/models HTTP/${version}\r\nHost: test\r\n${fields}\r\n`
const asked = request => request.includes('\r\n\r\n')
const statuses = text => parseResponses(text).map(one => one.status)
const links = text => parseResponses(text).filter(one => one.status === 103).map(one => one.headers.link)

let backend
let other
let proxy
before(async () => {
  [backend, other] = [await Backend.start(), await Backend.start()]
  proxy = await Proxy.start({ backends: { first: backend.url, second: { url: other.url, priority: 2 } },
    env: { HEADROOM_LIMITS_BODY_BYTES_MAX: '64KiB', HEADROOM_TIMEOUTS_FIRST_BYTE: '5s' } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  for (const one of [backend, other]) one.stop()
})

describe('of one backend', () => {
  test('pass at once, and without what ends at us, RFC 9110 sections 15.2 and 7.6.1', async () => {
    let socket
    backend.begin((from, request) => {
      if (!asked(request)) return
      socket = from
      socket.write(hint('/a', 'Connection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: 5\r\nX-Kept: 2\r\n'))
    })
    const raw = await Raw.open(proxy.port)
    raw.write(get())
    const text = await raw.until(seen => seen.includes('\r\n\r\n')) // the backend says no more until it is here
    assert.equal(text, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Kept: 2\r\n\r\n')
    socket.write('HTTP/1.1 102 Processing\r\n\r\n' + ok)
    const all = await raw.until()
    assert.deepEqual(statuses(all), [103, 102, 200])
    assert.equal(parseResponses(all)[2].body, 'ok')
  })

  test('pass also when they come with the final response, and the connections go on', async () => {
    backend.begin((socket, request) => { if (asked(request)) socket.write(hint('/b') + ok) })
    const raw = await Raw.open(proxy.port)
    for (let i = 1; i <= 3; i++) {
      raw.write(get(''))
      await raw.until(text => text.split('\r\n\r\nok').length === i + 1)
    }
    assert.deepEqual(statuses(raw.text), [103, 200, 103, 200, 103, 200])
    assert.equal(backend.connections.length, 1)
    raw.close()
  })

  test('100 is between the backend and us', async () => {
    backend.answer('HTTP/1.1 100 Continue\r\n\r\n' + hint('/c') + 'HTTP/1.1 100 Continue\r\n\r\n' + ok)
    assert.deepEqual(statuses(await exchange(proxy.port, get())), [103, 200])
  })

  test('HTTP/1.0 has none', async () => {
    backend.answer(hint('/d') + ok)
    assert.deepEqual(statuses(await exchange(proxy.port, get('', '1.0'))), [200])
  })

  test('are bounded in number', async () => {
    other.answer(ok)
    const many = count => Array.from({ length: count }, (_, i) => hint(`/${i}`)).join('')
    backend.answer(many(16) + ok)
    assert.equal(links(await exchange(proxy.port, get())).length, 16)
    backend.begin((socket, request) => { if (asked(request)) socket.write(many(17) + ok) })
    const text = await exchange(proxy.port, get())
    assert.equal(links(text).length, 16)
    assert.match(await proxy.access(0, said => said.includes('after: first')), /after: first malformed/)
  })

  test('may come before an error, and before what another backend says', async () => {
    backend.answer(hint('/failed') + 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n')
    other.answer(hint('/better') + ok)
    const text = await exchange(proxy.port, get())
    assert.deepEqual(statuses(text), [103, 103, 200])
    assert.deepEqual(links(text), ['</failed>', '</better>'])
  })

  test('come after an upload during which they were said, in order', async () => {
    const size = 300_000
    const whole = request => request.length >= request.indexOf('\r\n\r\n') + 4 + size
    const began = 'HTTP/1.1 100 Continue\r\n\r\n' + hint('/e') + hint('/f')
    backend.begin((socket, request) => {
      if (asked(request) && !socket.greeted) socket.greeted = socket.write(began)
      if (whole(request)) socket.write(hint('/g') + ok)
    })
    const raw = await Raw.open(proxy.port)
    raw.write(`POST /v1/files HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${size}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n`)
    await raw.until(text => text.includes('100 Continue'))
    raw.write('x'.repeat(size / 2))
    await until(() => backend.connections[0]?.socket.greeted !== undefined, 'the backend to speak')
    raw.write('x'.repeat(size / 2))
    const text = await raw.until()
    assert.deepEqual(statuses(text), [100, 103, 103, 103, 200])
    assert.deepEqual(links(text), ['</e>', '</f>', '</g>'])
  })

  test('a client that leaves meanwhile is noticed', async () => {
    let ended
    backend.begin((socket, request) => {
      if (!asked(request)) return
      ended = new Promise(done => socket.on('close', done))
      socket.write(hint('/h'))
    })
    const raw = await Raw.open(proxy.port)
    raw.write(get('x-request-id: leaves-early\r\n'))
    await raw.until(text => text.includes('/h'))
    raw.socket.resetAndDestroy()
    await ended
    assert.match(await proxy.access(0, text => text.includes('id=leaves-early')), / client_gone /)
  })

  test('come before a tunnel, too', async () => {
    backend.answer(hint('/i') + 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw')
    const raw = await Raw.open(proxy.port)
    raw.write('GET /v1/realtime?model=chat HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const text = await raw.until(seen => seen.endsWith('raw'))
    raw.close()
    assert.deepEqual(statuses(text), [103, 101])
  })
})

describe('of two that race', () => {
  let mock
  before(async () => { mock = await startMock() })
  after(() => mock.stop())

  const race = (context, use) => async () => {
    const [first, second] = [await scripted(), await scripted()]
    for (const one of [first, second]) one.hint = (response, link) => response.socket.write(hint(link))
    context.after(() => { first.stop(); second.stop() })
    await withProxy(mock, { backends: { first: { url: first.url }, second: { url: second.url } } }, racing => use(racing, first, second))
  }
  const begin = async (racing, id) => {
    const raw = await Raw.open(racing.port)
    raw.write(postText(path, JSON.stringify(streamed()), `Connection: close\r\nx-request-id: ${id}\r\n`))
    return raw
  }
  const heads = async (racing, name) => (await racing.metrics()).get(`headroom_backend_first_byte_seconds_count{backend="${name}"}`) ?? 0

  test('the winner\'s come with its response, the loser\'s do not come', async context => race(context, async (racing, first, second) => {
    const headsBefore = await heads(racing, 'first')
    let late
    first.answer = response => first.hint(late = response, '/alone')
    second.answer = async response => {
      first.hint(late, '/loser')
      first.head(late) // a head without content wins nothing, but shows that what came before it was read
      await until(async () => await heads(racing, 'first') === headsBefore + 1, 'the head of the late one')
      second.hint(response, '/winner')
      second.head(response)
      second.content(response)
    }
    const raw = await begin(racing, 'won')
    const text = await raw.until()
    assert.match(await line(racing, 'won'), / backend=second .* hedge=won:second/)
    assert.deepEqual(links(text), ['</alone>', '</winner>'])
    assert.deepEqual(statuses(text), [103, 103, 200])
  })())

  test('one that goes on alone says what it had to say at once', async context => race(context, async (racing, first, second) => {
    let late
    first.answer = response => { late = response }
    second.answer = response => {
      first.hint(late, '/goes-on')
      response.writeHead(500).end()
    }
    const raw = await begin(racing, 'alone')
    await raw.until(text => text.includes('/goes-on')) // the backend says no more until it is here
    first.head(late)
    first.content(late)
    const text = await raw.until()
    assert.deepEqual(statuses(text), [103, 200])
    assert.match(await line(racing, 'alone'), / backend=first .* hedge=failed:second/)
  })())

  test('a client that half-closes meanwhile gets one answer', async context => race(context, async (racing, first, second) => {
    let late
    first.answer = response => { late = response }
    second.answer = response => {
      for (let i = 0; i < 8; i++) {
        first.hint(late, `/first-${i}`)
        second.hint(response, `/second-${i}`)
      }
      second.head(response)
      second.content(response)
    }
    const raw = await begin(racing, 'half')
    raw.socket.end()
    const responses = parseResponses(await raw.until())
    const hints = responses.filter(one => one.status === 103).map(one => one.headers.link)
    assert.deepEqual(hints, Array.from({ length: 8 }, (_, i) => `</second-${i}>`))
    assert.ok(responses.every(one => one.status !== 200 || one.whole))
    assert.equal(responses.at(-1).status, 200)
  })())
})
