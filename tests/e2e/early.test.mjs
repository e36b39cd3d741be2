// Answers before a request is whole, requests that never become whole, and answers that Headroom gives by itself.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Backend } from './harness/backend.mjs'
import { Proxy } from './harness/programs.mjs'
import { Raw, exchange, parseResponses } from './harness/raw.mjs'

const upload = fields => `POST /v1/files HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\n${fields}\r\n`
const get = (path, fields = '', method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: test\r\n${fields}\r\n`
const health = get('/healthz', 'Connection: close\r\n')
const final = text => parseResponses(text).filter(one => one.status >= 200)

let backend
let proxy
before(async () => {
  backend = await Backend.start()
  proxy = await Proxy.start({ backends: { plain: backend.url }, env: {
    HEADROOM_LIMITS_BODY_BYTES_MAX: '64KiB', HEADROOM_TIMEOUTS_HEAD: '500ms', HEADROOM_TIMEOUTS_BODY: '1s', HEADROOM_TIMEOUTS_FIRST_BYTE: '5s' } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  backend.stop()
})

describe('no answer to HEAD has a body, RFC 9110 section 9.3.2', () => {
  const head = (fields, line = 'HEAD /v1/models HTTP/1.1') => `${line}\r\nHost: test\r\n${fields}\r\n`
  const cases = {
    'no host': ['HEAD /v1/models HTTP/1.1\r\n\r\n', 400],
    'a bad field': [head('A B: c\r\n'), 400],
    'another version': [head('', 'HEAD /v1/models HTTP/2.0'), 505],
    'a bad target': [head('', 'HEAD /a\\b HTTP/1.1'), 400],
    'a bare LF': ['HEAD /v1/models HTTP/1.1\nHost: test\r\n\r\n', 400],
    'a long line': [head('', `HEAD /${'a'.repeat(20_000)} HTTP/1.1`), 414],
    'a large head': [head(`A: ${'a'.repeat(70_000)}\r\n`), 431],
    'another coding': [head('Transfer-Encoding: gzip, chunked\r\n'), 501],
    'another expectation': [head('Expect: miracles\r\n'), 417],
    'a bad chunk': [head('Transfer-Encoding: chunked\r\n') + 'zz\r\n', 400],
    'a line that does not end in time': ['HEAD /v1/mod', 408],
    'a head that does not end in time': ['HEAD /v1/models HTTP/1.1\r\nHo', 408],
  }
  for (const [name, [text, status]] of Object.entries(cases)) {
    test(name, async () => {
      const answer = await exchange(proxy.port, text)
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer)
      assert.equal(answer.indexOf('\r\n\r\n'), answer.length - 4, answer)
    })
  }
})

describe('answers of our own', () => {
  test('204 has no Content-Length, RFC 9110 section 8.6; OPTIONS * also in absolute-form', async () => {
    for (const target of ['*', 'http://test']) {
      const [response] = parseResponses(await exchange(proxy.port, get(target, 'Connection: close\r\n', 'OPTIONS')))
      assert.equal(response.status, 204)
      assert.match(response.headers.allow, /OPTIONS/)
      assert.equal(response.headers['content-length'], undefined)
    }
  })
  test('Max-Forwards counts down to us, RFC 9110 section 7.6.2', async () => {
    const answer = () => backend.answer('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    const options = number => get('/v1/models', `Max-Forwards: ${number}\r\nConnection: close\r\n`, 'OPTIONS')
    answer()
    assert.equal(parseResponses(await exchange(proxy.port, options(0)))[0].status, 204)
    assert.deepEqual(backend.received, [])
    for (const [sent, passed] of [[1, '0'], [5, '4'], ['99999999999999999999', '999999998'], ['x', 'x']]) {
      answer()
      assert.equal(parseResponses(await exchange(proxy.port, options(sent)))[0].status, 200)
      assert.equal(backend.received.at(-1).match(/^max-forwards: (.*)\r$/im)?.[1], passed)
    }
  })
  for (const [name, fields, body] of [['a length', 'Content-Length: 5\r\n', 'hello'], ['chunks', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n']]) {
    test(`a body with ${name} that came along does not end the connection`, async () => {
      for (const [method, path, status] of [['POST', '/nowhere', 404], ['GET', '/healthz', 200], ['OPTIONS', '*', 204]]) {
        const answers = parseResponses(await exchange(proxy.port, get(path, fields, method) + body + health))
        assert.deepEqual(answers.map(one => one.status), [status, 200])
      }
    })
  }
  test('a body that has not come ends it, and the answer says so', async () => {
    const [response] = parseResponses(await exchange(proxy.port, get('/nowhere', 'Content-Length: 100000\r\n', 'POST') + 'hello'))
    assert.equal(response.status, 404)
    assert.equal(response.headers.connection, 'close')
  })
  test('an empty line is no request', async () => {
    for (const end of [raw => raw.socket.end(), () => {}]) { // the client ends, or the time for a head does
      const raw = await Raw.open(proxy.port)
      raw.write(get('/healthz') + '\r\n')
      end(raw)
      assert.deepEqual(parseResponses(await raw.until()).map(one => one.status), [200])
    }
  })
})

describe('an upload that passes through', () => {
  const size = 300_000
  const whole = request => request.length >= request.indexOf('\r\n\r\n') + 4 + size
  test('interim responses of the backend do not stop it', async () => {
    backend.begin((socket, request) => {
      if (whole(request)) return socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      if (!socket.greeted) socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n')
      socket.greeted = true
    })
    const raw = await Raw.open(proxy.port)
    raw.write(upload(`Content-Length: ${size}\r\n`) + 'x'.repeat(size / 2))
    // tidy: allow test_waits: the rest comes when the interim responses have been seen
    await new Promise(done => setTimeout(done, 200))
    raw.write('x'.repeat(size / 2))
    const [response] = final(await raw.until(text => final(text)[0]?.whole))
    raw.close()
    assert.equal(response.status, 200, response.body)
    assert.equal(response.body, 'ok')
  })
  test('a final response stops it, although the backend reads on', async () => {
    backend.answer('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
    const text = await exchange(proxy.port, upload(`Content-Length: ${size}\r\n`) + 'x'.repeat(size / 2))
    const [response] = final(text)
    assert.equal(response.status, 413)
    assert.equal(response.headers.connection, 'close')
  })
  for (const [name, end, status] of [['a broken chunk', 'zz\r\n', 400], ['a framing field in its trailers', '0\r\nContent-Length: 5\r\n\r\n', 400], ['silence', '', 408]]) {
    test(`${name} in its middle: ${status}, and the backend sees the cut`, async () => {
      backend.begin(() => {})
      const text = await exchange(proxy.port, upload('Transfer-Encoding: chunked\r\n') + `2710\r\n${'x'.repeat(10_000)}\r\n`.repeat(15) + end)
      const [response] = final(text)
      assert.equal(response?.status, status, text)
      assert.equal(response.headers.connection, 'close')
      assert.equal(backend.received.length, 1)
      assert.ok(!backend.received[0].includes('\r\n0\r\n'))
    })
  }
})

describe('responses', () => {
  test('a Date that the backend nominates is replaced, RFC 9110 sections 6.6.1 and 7.6.1', async () => {
    backend.answer('HTTP/1.1 200 OK\r\nConnection: Date\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n')
    const [response] = parseResponses(await exchange(proxy.port, get('/v1/models', 'Connection: close\r\n')))
    assert.match(response.headers.date, /GMT$/)
    assert.doesNotMatch(response.headers.date, /1970/)
  })
  test('an error is judged by its text, not by how that was cut', async () => {
    const passed = async () => [...await proxy.metrics()].filter(([name]) => /verdict="pass_error"/.test(name)).reduce((sum, [, value]) => sum + value, 0)
    const beforehand = await passed()
    const chunks = [...'{"error":{"message":"No such File object: file-1"}}'].map(letter => `1\r\n${letter}\r\n`).join('')
    backend.answer(`HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)
    const [response] = parseResponses(await exchange(proxy.port, get('/v1/models', 'Connection: close\r\n')))
    assert.equal(response.status, 404)
    assert.equal(await passed(), beforehand + 1)
  })
  test('a 404 that is too long to be kept is the client\'s', async () => {
    backend.answer(`HTTP/1.1 404 Not Found\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`)
    const [response] = parseResponses(await exchange(proxy.port, get('/v1/models', 'Connection: close\r\n')))
    assert.equal(response.status, 404)
    assert.equal(response.body.length, 200_000)
  })
})
