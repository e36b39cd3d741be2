// HTTP/1.x as clients speak it and as they should not: framing, limits, uploads, header fields and what must never pass.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'
import { Raw, exchange, parseResponses, postText } from './harness/raw.mjs'

const path = '/v1/chat/completions'
const body = JSON.stringify(chat())
const final = text => parseResponses(text).filter(one => one.status !== 100)
const sha256 = data => createHash('sha256').update(data).digest('hex')
const head = (fields, line = `POST ${path} HTTP/1.1`) => `${line}\r\nHost: test\r\nContent-Type: application/json\r\n${fields}\r\n`
const chunk = text => `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`

let mock
let proxy
before(async () => {
  mock = await Mock.start(['one,tpm=0,rpm=0,output=8,deployments=chat:gpt-4o;whisper:whisper'])
  proxy = await Proxy.start({ backends: { one: mock.urls.one }, env: {
    HEADROOM_LIMITS_BODY_BYTES_MAX: '64KiB', HEADROOM_TIMEOUTS_HEAD: '1s', HEADROOM_TIMEOUTS_BODY: '60s' } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  await mock.stop()
})
afterEach(() => mock.clearFaults())
const last = async () => (await mock.requests('one')).at(-1)

test('an answer that leaves a body unread says that the connection ends with it', async () => {
  for (const line of ['POST /nowhere HTTP/1.1', 'POST /healthz HTTP/1.1', 'GET /healthz HTTP/1.1']) {
    // a body that is there already is passed over; this one is not
    const [answer] = parseResponses(await exchange(proxy.port, `${line}\r\nHost: test\r\nContent-Length: 2\r\n\r\n`))
    assert.equal(answer.headers.connection, 'close', line)
  }
})

test('a client that reads only once it has sent all of a body too large gets its 413', async () => {
  const size = 20 * 1024 * 1024
  const raw = await Raw.open(proxy.port)
  raw.write(head(`Content-Length: ${size}\r\n`))
  const sent = new Promise((resolve, reject) => raw.socket.write(Buffer.alloc(size, ' '), error => error ? reject(error) : resolve()))
  await sent
  assert.equal(parseResponses(await raw.until())[0].status, 413)
  assert.equal(raw.error, undefined)
  raw.close()
})

test('a model that would climb out of the path reaches no classic backend', async () => {
  const asked = (await mock.stats('one')).requests
  for (const model of ['.', '..']) {
    const response = await post(proxy, path, chat({ model }))
    assert.equal(response.status, 404)
    assert.equal((await response.json()).error.code, 'DeploymentNotFound')
  }
  assert.equal((await mock.stats('one')).requests, asked)
})

describe('Expect: 100-continue', () => {
  test('100 comes before the body is sent, then the answer', async () => {
    const raw = await Raw.open(proxy.port)
    raw.write(head(`Content-Length: ${body.length}\r\nExpect: 100-continue\r\n`))
    await raw.until(text => text.includes('100 Continue\r\n\r\n'))
    raw.write(body)
    const text = await raw.until(text => final(text)[0]?.whole)
    assert.deepEqual(parseResponses(text).map(one => one.status), [100, 200])
    raw.close()
    assert.ok(!JSON.stringify((await last()).headers).toLowerCase().includes('100-continue'))
  })
  test('a body that is too large is refused without 100', async () => {
    const text = await exchange(proxy.port, head('Content-Length: 100000\r\nExpect: 100-continue\r\n'))
    assert.deepEqual(parseResponses(text).map(one => one.status), [413])
  })
  test('another expectation: 417', async () => {
    const text = await exchange(proxy.port, head(`Content-Length: ${body.length}\r\nExpect: miracles\r\nConnection: close\r\n`) + body)
    assert.equal(parseResponses(text)[0].status, 417)
  })
})

describe('messages', () => {
  test('HEAD has the fields and no body; the connection goes on', async () => {
    const raw = await Raw.open(proxy.port)
    raw.write('HEAD /v1/models HTTP/1.1\r\nHost: test\r\n\r\nGET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    const text = await raw.until()
    assert.equal(text.split('HTTP/1.1 ').length, 3, text)
    const end = text.indexOf('\r\n\r\n')
    assert.ok(text.slice(end + 4).startsWith('HTTP/1.1 200'), text)
  })
  for (const models of ['/v1/models', '/models', '/openai/v1/models', '/openai/models?api-version=2024-10-21']) {
    test(`GET ${models}`, async () => {
      const response = await fetch(proxy.url + models)
      assert.equal(response.status, 200)
      assert.ok((await response.json()).data.length > 0)
    })
  }
  test('HTTP/1.0: one answer, then the end', async () => {
    const text = await exchange(proxy.port, head(`Content-Length: ${body.length}\r\n`, `POST ${path} HTTP/1.0`) + body)
    const [response] = parseResponses(text)
    assert.equal(response.status, 200)
    assert.ok(JSON.parse(response.body).choices)
    assert.equal(response.headers['transfer-encoding'], undefined)
  })
  test('HTTP/1.0 with keep-alive: two answers on one connection', async () => {
    const raw = await Raw.open(proxy.port)
    for (let n = 1; n <= 2; n++) {
      raw.write(head(`Content-Length: ${body.length}\r\nConnection: keep-alive\r\n`, `POST ${path} HTTP/1.0`) + body)
      const all = parseResponses(await raw.until(text => parseResponses(text).length === n && parseResponses(text).at(-1).whole))
      assert.equal(all.length, n)
      assert.equal(all.at(-1).status, 200)
      assert.match(all.at(-1).headers.connection, /keep-alive/i)
    }
    raw.close()
  })
  test('HTTP/1.0 and a stream: no chunks, the end of the connection is the end', async () => {
    const asked = JSON.stringify(chat({ stream: true }))
    const text = await exchange(proxy.port, head(`Content-Length: ${asked.length}\r\n`, `POST ${path} HTTP/1.0`) + asked)
    assert.ok(!/transfer-encoding/i.test(text))
    assert.ok(text.endsWith('data: [DONE]\n\n'))
  })
  test('pipelining: three in one packet, three answers in order', async () => {
    const raw = await Raw.open(proxy.port)
    const one = mark => postText(path, JSON.stringify(chat({ messages: [{ role: 'user', content: `[[echo]] ${mark}` }] })))
    raw.write(one('alpha') + one('beta') + one('gamma'))
    const text = await raw.until(text => parseResponses(text).length === 3 && parseResponses(text)[2].whole)
    const all = parseResponses(text)
    assert.deepEqual(all.map(one => one.status), [200, 200, 200])
    assert.deepEqual(all.map(one => /alpha|beta|gamma/.exec(one.body)?.[0]), ['alpha', 'beta', 'gamma'])
    raw.close()
  })
  test('a chunked body with extensions and trailers arrives whole', async () => {
    const asked = head('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n') +
      `5;a=b\r\n${body.slice(0, 5)}\r\n` + chunk(body.slice(5)) + '0\r\nX-Sum: 1\r\n\r\n'
    const raw = await Raw.open(proxy.port)
    raw.write(asked + 'GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    assert.deepEqual(parseResponses(await raw.until()).map(one => one.status), [200, 200])
    assert.equal((await last()).body, body)
  })
  test('byte by byte', async () => {
    for (const text of [postText(path, body), head('Transfer-Encoding: chunked\r\n') + chunk(body) + '0\r\n\r\n']) {
      const raw = await Raw.open(proxy.port)
      for (const byte of text) {
        raw.write(byte)
        await new Promise(setImmediate)
      }
      const [response] = parseResponses(await raw.until(text => parseResponses(text)[0]?.whole))
      assert.equal(response.status, 200)
      raw.close()
      assert.equal((await last()).body, body)
    }
  })
})

describe('uploads', () => {
  for (const [where, fields] of [['/openai/deployments/whisper/audio/transcriptions?api-version=2024-10-21', { response_format: 'json' }], ['/v1/files', { purpose: 'batch' }]]) {
    test(`multipart larger than what is held streams through to ${where}`, async () => {
      const boundary = 'a-boundary'
      const text = Object.entries(fields).map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')
      const file = randomBytes(3_000_000)
      const whole = Buffer.concat([Buffer.from(`${text}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n'), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
      for (const sized of [true, false]) {
        const response = await fetch(proxy.url + where, { method: 'POST', duplex: 'half', body: sized ? whole : new Blob([whole]).stream(),
          headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } })
        const text = await response.text()
        const request = await last()
        assert.equal(request.body_bytes, whole.length, text)
        assert.equal(request.body_sha256, sha256(whole))
        assert.ok(response.status < 300, `${response.status} ${text}`)
      }
    })
  }
  test('a backend that answers before the body has come', async () => {
    await mock.fault('one', 'early', { count: 1, status: 413 })
    const raw = await Raw.open(proxy.port)
    raw.write('POST /v1/files HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000000\r\n\r\n')
    raw.write(Buffer.alloc(300_000, 97))
    const [response] = final(await raw.until(text => final(text)[0]?.whole))
    assert.equal(response.status, 413)
    raw.close()
    assert.equal((await post(proxy, path, chat())).status, 200)
  })
})

describe('limits', () => {
  test('413 for a large JSON body, with its length and without', async () => {
    const beforehand = (await mock.stats('one')).requests
    const [sized] = parseResponses(await exchange(proxy.port, head('Content-Length: 100000\r\n')))
    assert.equal(sized.status, 413)
    assert.ok(JSON.parse(sized.body).error.message)
    const raw = await Raw.open(proxy.port)
    raw.write(head('Transfer-Encoding: chunked\r\n') + chunk('x'.repeat(70_000)))
    assert.equal(parseResponses(await raw.until())[0].status, 413)
    assert.equal((await mock.stats('one')).requests, beforehand)
  })
  test('431 for a large head and for many fields, 414 for a long line', async () => {
    assert.equal(parseResponses(await exchange(proxy.port, head(`X-Large: ${'x'.repeat(70_000)}\r\n`)))[0].status, 431)
    assert.equal(parseResponses(await exchange(proxy.port, head('X-Many: 1\r\n'.repeat(200))))[0].status, 431)
    assert.equal(parseResponses(await exchange(proxy.port, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: test\r\n\r\n`))[0].status, 414)
  })
  test('408 for a head that does not come to its end', async () => {
    const [response] = parseResponses(await exchange(proxy.port, `POST ${path} HTTP/1.1\r\nHost: te`))
    assert.equal(response.status, 408)
    assert.equal(response.headers.connection, 'close')
  })
  test('503 when memory is short, and afterwards all is well', async () => {
    const small = await Proxy.start({ backends: { one: mock.urls.one }, env: {
      HEADROOM_LIMITS_MEMORY_BYTES_TOTAL: '16MiB', HEADROOM_LIMITS_CONNECTION_BYTES_MAX: '4MiB', HEADROOM_LIMITS_BODY_BYTES_MAX: '3MiB' } })
    const holding = []
    const size = 2_000_000
    for (let n = 0; n < 16; n++) {
      const raw = await Raw.open(small.port).catch(() => null)
      if (!raw) break
      raw.write(head(`Content-Length: ${size}\r\n`) + 'x'.repeat(size - 1))
      holding.push(raw)
      if (n >= 8) await new Promise(setImmediate)
    }
    const refused = await until(() => holding.find(raw => raw.text.startsWith('HTTP/1.1 503')), 'a 503')
    assert.match(refused.text, /retry-after: \d+/i)
    for (const raw of holding) raw.close()
    await until(async () => {
      const response = await post(small, path, chat()).catch(() => null)
      await response?.text()
      return response?.status === 200
    }, 'an answer')
    assert.equal(await small.stop(), 0)
  })
})

describe('fields between the two ends', () => {
  test('hop-by-hop and nominated fields of a request stay here', async () => {
    const raw = await Raw.open(proxy.port)
    raw.write(postText(path, body, 'Connection: keep-alive, X-Nominated\r\nX-Nominated: hop1\r\nKeep-Alive: timeout=77\r\nProxy-Connection: hop2\r\n' +
      'TE: trailers\r\nProxy-Authorization: Basic hop3\r\nUpgrade: h2c\r\nX-Kept: kept\r\n'))
    await raw.until(text => parseResponses(text)[0]?.whole)
    raw.close()
    const fields = JSON.stringify((await last()).headers)
    assert.ok(fields.includes('kept'))
    assert.ok(!/hop[123]|timeout=77|h2c|x-nominated/i.test(fields), fields)
  })
  test('hop-by-hop and nominated fields of a response stay here', async () => {
    const backend = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close, X-Nominated\r\n' +
        'X-Nominated: hop1\r\nKeep-Alive: timeout=77\r\nProxy-Authenticate: hop2\r\nX-Kept: kept\r\n\r\n{}'))
    })
    await new Promise(done => backend.listen(0, '127.0.0.1', done))
    const own = await Proxy.start({ backends: { plain: `http://127.0.0.1:${backend.address().port}` } })
    const raw = await Raw.open(own.port)
    raw.write(postText(path, body))
    const text = await raw.until(text => parseResponses(text)[0]?.whole)
    raw.close()
    assert.match(text, /^HTTP\/1.1 200/)
    assert.ok(text.includes('kept'))
    assert.ok(!/hop[12]|timeout=77|x-nominated|connection: close/i.test(text), text)
    await own.stop()
    backend.close()
  })
})

describe('malformed and smuggling requests: refused, closed, and nothing reaches a backend', () => {
  const inner = `GET /v1/models HTTP/1.1\r\nHost: smuggled\r\n\r\n`
  const line = text => `${text}\r\nHost: test\r\n\r\n`
  const field = text => `POST ${path} HTTP/1.1\r\nHost: test\r\n${text}\r\n\r\n0\r\n\r\n${inner}`
  const chunks = text => `POST ${path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n${text}${inner}`
  const cases = {
    'both framings': field('Content-Length: 5\r\nTransfer-Encoding: chunked'),
    'both, the other way': field('Transfer-Encoding: chunked\r\nContent-Length: 5'),
    'two lengths': field('Content-Length: 5\r\nContent-Length: 6'),
    'two equal lengths': field('Content-Length: 5\r\nContent-Length: 5'),
    'a list of lengths': field('Content-Length: 5, 5'),
    'a signed length': field('Content-Length: +5'),
    'a negative length': field('Content-Length: -5'),
    'a hexadecimal length': field('Content-Length: 0x5'),
    'an empty length': field('Content-Length:'),
    'a length that wraps': field('Content-Length: 18446744073709551621'),
    'a length in words': field('Content-Length: five'),
    'an unknown coding': field('Transfer-Encoding: xchunked'),
    'chunked not last': field('Transfer-Encoding: chunked, gzip'),
    'chunked twice': field('Transfer-Encoding: chunked, chunked'),
    'identity': field('Transfer-Encoding: identity'),
    'a coding after a vertical tab': field('Transfer-Encoding:\x0bchunked'),
    'an empty coding': field('Transfer-Encoding:'),
    'a space before the colon': field('Transfer-Encoding : chunked'),
    'a length before a space and colon': field('Content-Length : 5'),
    'a folded coding': field('Transfer-Encoding:\r\n chunked'),
    'a folded field': field('X: a\r\n b'),
    'a field without colon': field('X-Nothing'),
    'an empty name': field(': x'),
    'NUL in a value': field('X: a\0b'),
    'CR in a value': field('X: a\rTransfer-Encoding: chunked'),
    'a name with a space': field('X Y: a'),
    'a name beyond ASCII': field('X\xff: a'),
    'a chunk size in words': chunks('z\r\nabc\r\n0\r\n\r\n'),
    'a chunk size with 0x': chunks('0x5\r\nhello\r\n0\r\n\r\n'),
    'a negative chunk size': chunks('-5\r\nhello\r\n0\r\n\r\n'),
    'a chunk size that wraps': chunks('10000000000000005\r\nhello\r\n0\r\n\r\n'),
    'a chunk longer than it says': chunks('3\r\nhello\r\n0\r\n\r\n'),
    'a chunk without CRLF': chunks('5\r\nhello0\r\n\r\n'),
    'a chunk ended by LF': chunks('5\nhello\n0\n\n'),
    'an empty chunk size': chunks('\r\nhello\r\n0\r\n\r\n'),
    'no host': `POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`,
    'two hosts': line(`GET ${path} HTTP/1.1\r\nHost: other`),
    'a bad host': `GET ${path} HTTP/1.1\r\nHost: a b\r\n\r\n`,
    'HTTP/2.0': line(`GET ${path} HTTP/2.0`),
    'HTTP/0.9': `GET ${path}\r\n\r\n`,
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'lower case version': line(`GET ${path} http/1.1`),
    'a space in the target': line('GET /a b HTTP/1.1'),
    'NUL in the target': line('GET /a\0b HTTP/1.1'),
    'a method of odd bytes': line(`G(T ${path} HTTP/1.1`),
    'CONNECT': 'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n',
    'bytes of TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'a'.repeat(64),
    'a whitespace line first': ` \r\n${line(`GET ${path} HTTP/1.1`)}`,
    'a field before the first': `GET ${path} HTTP/1.1\r\n X: y\r\nHost: test\r\n\r\n`,
  }
  for (const [name, text] of Object.entries(cases)) {
    test(name, async () => {
      const beforehand = await mock.stats('one')
      const all = parseResponses(await exchange(proxy.port, text))
      assert.equal(all.length, 1, JSON.stringify(all))
      assert.ok(all[0].status >= 400 && all[0].status < 600, `${all[0].status}`)
      assert.ok(all[0].whole)
      assert.match(all[0].headers.connection ?? '', /close/)
      const afterwards = await mock.stats('one')
      assert.equal(afterwards.requests, beforehand.requests)
      assert.equal(afterwards.unreadable_requests, beforehand.unreadable_requests)
    })
  }
})
