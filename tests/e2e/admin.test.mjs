// What operators see: health, readiness, metrics, log lines and signals; and that no secret is among it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { Mock, Proxy, backendVariables, chat, io, post, until } from './harness/programs.mjs'
import { Raw, exchange, parseResponses, postText } from './harness/raw.mjs'

const path = '/v1/chat/completions'
let mock
before(async () => { mock = await Mock.start(['one,tpm=0,rpm=0,output=8', 'two,tpm=0,rpm=0,output=8', 'slow,tpm=0,rpm=0,token_ms=1000']) })
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
const both = () => ({ one: mock.urls.one, two: mock.urls.two })
const status = async (url, method = 'GET') => {
  const response = await fetch(url, { method })
  const text = await response.text()
  if (method === 'HEAD') assert.equal(text, '')
  return response.status
}

test('becoming the program for the other I/O leaves nothing of its own in front of the log', async () => {
  const other = io === 'epoll' ? 'uring' : 'epoll'
  // tidy: allow test_ports: 127 begins the address, the port is 0
  const child = spawn(process.env.HEADROOM_BIN, ['--io', other, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--log', 'json'],
    { env: backendVariables(both()), stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', data => { out += data })
  child.stdout.once('data', () => child.kill('SIGTERM'))
  child.stderr.on('data', data => { err += data })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, err)
  assert.match(out.split('\n')[0], new RegExp(`worker.*${other === 'uring' ? 'io_uring' : 'epoll'}`))
  for (const line of err.split('\n')) assert.ok(line === '' || line.startsWith('warning: '), JSON.stringify(err))
})

test('the line names the backend whose failure was passed on, not the last one asked', async () => {
  await withProxy({ backends: { one: { url: mock.urls.one, priority: 1 }, two: { url: mock.urls.two, priority: 2 } } }, async proxy => {
    await mock.fault('one', '503', { count: 1 })
    await mock.fault('two', 'reset', { count: 1 })
    assert.equal((await post(proxy, path, chat())).status, 503)
    const line = await proxy.access(0)
    assert.ok(line.startsWith(`Proxying to ${mock.urls.one}/`) && line.includes(' backend=one '), line)
  })
})

describe('pages', () => {
  test('/healthz on both ports, /readyz, and nothing else', async () => {
    await withProxy({ backends: both() }, async proxy => {
      for (const method of ['GET', 'HEAD']) {
        assert.equal(await status(`${proxy.url}/healthz`, method), 200)
        assert.equal(await status(`${proxy.admin}/healthz`, method), 200)
        assert.equal(await status(`${proxy.admin}/readyz`, method), 200)
        assert.equal(await status(`${proxy.admin}/metrics`, method), 200)
      }
      assert.equal(await status(`${proxy.admin}/elsewhere`), 404)
      assert.equal(await status(`${proxy.admin}/metrics`, 'POST'), 405)
      assert.equal((await mock.requests('one')).filter(one => /healthz|readyz|metrics/.test(one.target)).length, 0)
    })
  })

  test('/readyz: not while no backend can serve; /healthz all the same', async () => {
    await withProxy({ backends: both() }, async proxy => {
      await mock.fault('one', 'refuse')
      await mock.fault('two', 'refuse')
      await until(async () => {
        await (await post(proxy, path, chat())).text()
        return await status(`${proxy.admin}/readyz`) === 503
      }, '/readyz 503')
      assert.equal(await status(`${proxy.admin}/healthz`), 200)
      await mock.clearFaults()
      await until(async () => {
        await (await post(proxy, path, chat())).text()
        return await status(`${proxy.admin}/readyz`) === 200
      }, '/readyz 200')
    })
  })

  test('/metrics: each family has HELP and TYPE, no series twice, and the numbers are right', async () => {
    await withProxy({ backends: { 'one': mock.urls.one, two: { url: mock.urls.two, priority: 2 } } }, async proxy => {
      await mock.fault('one', '429', { count: 1 })
      for (const stream of [false, true, false]) await (await post(proxy, path, chat({ stream }))).text()
      await exchange(proxy.port, 'nonsense\r\n\r\n')
      const response = await fetch(`${proxy.admin}/metrics`)
      assert.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
      const text = await response.text()
      assert.ok(text.endsWith('\n'))
      const types = new Map()
      const helped = new Set()
      const series = new Set()
      for (const line of text.slice(0, -1).split('\n')) {
        const about = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
        if (about) {
          const seen = about[1] === 'HELP' ? helped.has(about[2]) : types.has(about[2])
          assert.ok(!seen, `twice: ${line}`)
          if (about[1] === 'HELP') helped.add(about[2])
          else types.set(about[2], about[3])
          continue
        }
        const found = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (NaN|[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)$/.exec(line)
        assert.ok(found, `not a sample: ${line}`)
        const family = types.has(found[1]) ? found[1] : found[1].replace(/_(bucket|sum|count)$/, '')
        assert.ok(types.has(family) && helped.has(family), `no HELP or TYPE: ${line}`)
        assert.match(types.get(family), /^(counter|gauge|histogram)$/)
        const key = found[1] + (found[2] ?? '')
        assert.ok(!series.has(key), `twice: ${key}`)
        series.add(key)
      }
      const values = await proxy.metrics()
      const total = name => [...values].filter(([key]) => key.replace(/\{.*/, '') === name).reduce((sum, [, value]) => sum + value, 0)
      assert.equal(total('headroom_malformed_total'), 1)
      assert.equal(total('headroom_quota_absorbed_total'), 1)
      assert.equal(total('headroom_retries_total'), 1)
      assert.equal(total('headroom_backend_attempts_total'), 4)
      assert.equal(total('headroom_in_flight'), 0)
    })
  })
})

describe('the log', () => {
  for (const format of ['text', 'json']) {
    test(`${format}: one line per request`, async () => {
      await withProxy({ backends: both(), args: ['--log', format] }, async proxy => {
        const from = proxy.lines.length
        for (let n = 0; n < 5; n++) await (await post(proxy, path, chat({ stream: n % 2 === 1 }))).text()
        // what start-up says on standard error is for people
        const said = () => proxy.lines.slice(from).filter(line => !line.startsWith('warning: '))
        const lines = () => said().filter(line => format === 'json' ? JSON.parse(line).event === 'request' : line.includes('Proxying to '))
        await until(() => lines().length === 5, 'five lines')
        for (const line of lines()) assert.match(line, /\b200\b/)
        if (format === 'json') for (const line of said()) assert.equal(typeof JSON.parse(line), 'object')
        else for (const line of lines()) assert.match(line, /Proxying to http:\/\/127\.0\.0\.1:\d+/)
      })
    })
  }
})

test('no secret in a log, in metrics or in what check says', async () => {
  const marks = ['backend', 'client', 'bearer', 'query', 'prompt', 'identity', 'token', 'malformed', 'cookie'].map(name => `PLANTED-${name}-0123456789`)
  const mark = name => marks.find(one => one.includes(`-${name}-`))
  const identity = createServer((request, response) => {
    response.end(JSON.stringify({ access_token: mark('token'), expires_on: String(Math.floor(Date.now() / 1000) + 3600) }))
  })
  await new Promise(done => identity.listen(0, '127.0.0.1', done))
  const backends = { one: { url: mock.urls.one, apikey: mark('backend') }, two: { url: mock.urls.two, apikey: null } }
  const env = { IDENTITY_ENDPOINT: `http://127.0.0.1:${identity.address().port}/token`, IDENTITY_HEADER: mark('identity') }
  const said = []
  for (const format of ['text', 'json']) {
    const proxy = await Proxy.start({ backends, env, args: ['--log', format, '--log-level', 'debug'] })
    const headers = { 'api-key': mark('client'), authorization: `Bearer ${mark('bearer')}`, cookie: `session=${mark('cookie')}` }
    const body = chat({ messages: [{ role: 'user', content: mark('prompt') }] })
    const url = `${path}?api-key=${mark('query')}&subscription-key=${mark('query')}`
    for (const kind of [null, '429', '500', '401', 'reset', '400', 'bad_status']) {
      for (const backend of ['one', 'two']) if (kind) await mock.fault(backend, kind, { count: 1 })
      await (await post(proxy, url, body, headers)).text()
    }
    await exchange(proxy.port, `GET ${url} HTTP/1.1\r\nHost: test\r\napi-key : ${mark('malformed')}\r\n\r\n`)
    await exchange(proxy.port, `${mark('malformed')} ${url}\r\n\r\n`)
    await exchange(proxy.port, `POST /nowhere?key=${mark('query')} HTTP/1.1\r\nHost: test\r\nConnection: close\r\napi-key: ${mark('client')}\r\nContent-Length: 0\r\n\r\n`)
    said.push(await (await fetch(`${proxy.admin}/metrics`)).text())
    assert.equal(await proxy.stop(), 0)
    said.push(proxy.text)
    assert.match(proxy.text, format === 'json' ? /"event":"request"/ : /Proxying to/)
  }
  assert.ok((await mock.requests('two')).some(one => JSON.stringify(one).includes(mark('token'))), 'the token was used')
  const inherited = { PATH: process.env.PATH, ...backendVariables(backends), ...env }
  for (const args of [['check'], ['check', '--json']]) {
    said.push(await new Promise(done => execFile(process.env.HEADROOM_BIN, args, { env: inherited }, (error, stdout, stderr) => done(stdout + stderr))))
  }
  for (const text of said) {
    assert.ok(text.length > 100)
    for (const secret of marks) assert.ok(!text.includes(secret), `${secret} in ...${text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 60)}`)
  }
  identity.close()
})

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} when idle: exit 0`, async () => {
      const proxy = await Proxy.start({ backends: both() })
      await (await post(proxy, path, chat())).text()
      const idle = await Raw.open(proxy.port)
      assert.equal(await proxy.stop(signal), 0)
      idle.close()
    })
  }

  test('while draining /readyz says no; a second signal ends at once', async () => {
    const proxy = await Proxy.start({ backends: { slow: mock.urls.slow }, env: { HEADROOM_TIMEOUTS_DRAIN: '600s' } })
    const raw = await Raw.open(proxy.port)
    raw.write(postText(path, JSON.stringify(chat({ stream: true, max_tokens: 4000, messages: [{ role: 'user', content: '[[tokens=4000]]' }] }))))
    await raw.until(text => text.includes('"delta"'))
    proxy.child.kill('SIGTERM')
    await until(async () => await status(`${proxy.admin}/readyz`) === 503, '/readyz 503')
    assert.equal(await status(`${proxy.admin}/healthz`), 200)
    assert.equal(proxy.code, undefined)
    proxy.child.kill('SIGTERM')
    assert.equal(await proxy.ended, 143)
    const [response] = parseResponses(await raw.until())
    assert.ok(!response.body.includes('[DONE]'))
    assert.ok(!response.whole || response.body.includes('event: error'))
  })
})
