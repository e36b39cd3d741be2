// TLS on both sides: real clients over https, and backends whose certificates are right, wrong, expired or nobody's.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { Mock, Proxy, chat, post } from './harness/programs.mjs'
import { exchange, postText } from './harness/raw.mjs'

const path = '/v1/chat/completions'
const folder = mkdtempSync(join(tmpdir(), 'headroom-tls-'))
const file = name => join(folder, name)
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

/** A certificate of the authority `ca` for `name`; `dates` as openssl ca takes them. */
function certificate(name, ca, san, dates = ['-days', '2']) {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
  writeFileSync(file(`${name}.ext`), `subjectAltName=${san}\nbasicConstraints=CA:FALSE\n`)
  writeFileSync(file('ca.conf'), '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n' +
    '[p]\ncommonName=supplied\n')
  writeFileSync(file('index'), '')
  openssl('ca', '-batch', '-config', 'ca.conf', '-rand_serial', '-cert', `${ca}.pem`, '-keyfile', `${ca}.key`, '-in', `${name}.csr`,
    '-out', `${name}.pem`, '-notext', '-extfile', `${name}.ext`, ...dates)
}
function authority(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', `${name}.key`, '-out', `${name}.pem`)
}

const local = 'DNS:localhost,IP:127.0.0.1'
let mock
let front
let ca
before(async () => {
  authority('authority')
  authority('stranger')
  certificate('good', 'authority', local)
  certificate('front', 'authority', local)
  certificate('misnamed', 'authority', 'DNS:elsewhere.example')
  certificate('expired', 'authority', local, ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'])
  certificate('foreign', 'stranger', local)
  ca = readFileSync(file('authority.pem'))
  const kinds = ['good', 'misnamed', 'expired', 'foreign']
  mock = await Mock.start([...kinds.map(kind => `${kind},tpm=0,rpm=0,output=8,tls=${file(kind)}.pem:${file(kind)}.key`), 'plain,tpm=0,rpm=0,output=8'])
  front = await Proxy.start({ backends: { plain: mock.urls.plain }, env: {
    HEADROOM_TLS_CERTIFICATE_FILE: file('front.pem'), HEADROOM_TLS_KEY_FILE: file('front.key') } })
})
after(async () => {
  await front?.stop()
  await mock?.stop()
  rmSync(folder, { recursive: true })
})

const backend = (name, more = {}) => ({ url: mock.urls[name], tls_ca_file: file('authority.pem'), ...more })

/** Status and body over https, trusting the tests' authority. */
function ask(body, more = {}) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const request = httpsRequest({ host: '127.0.0.1', port: front.port, path, method: 'POST', ca,
      headers: { 'content-type': 'application/json', 'content-length': text.length }, ...more }, async response => {
      let got = ''
      for await (const piece of response) got += piece
      resolve({ status: response.statusCode, text: got })
    })
    request.on('error', reject)
    request.end(text)
  })
}
const handshake = options => new Promise((resolve, reject) => {
  const socket = connect({ host: '127.0.0.1', port: front.port, ca, ...options }, () => resolve(socket))
  socket.on('error', reject)
})

test('https to clients: JSON and a stream, TLS 1.2 and 1.3', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    for (const stream of [false, true]) {
      const { status, text } = await ask(chat({ stream }), { minVersion: version, maxVersion: version })
      assert.equal(status, 200, text)
      assert.ok(stream ? text.endsWith('data: [DONE]\n\n') : JSON.parse(text).choices)
    }
  }
})

test('the SDK over https with an authority of its own', () => {
  const script = `import OpenAI from 'openai'
    const client = new OpenAI({ baseURL: process.env.AT, apiKey: 'x', maxRetries: 0 })
    const answer = await client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content: 'hi' }] })
    let chunks = 0
    for await (const chunk of await client.chat.completions.create({ model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] })) chunks++
    console.log(answer.choices[0].message.content.length > 0 && chunks > 2 ? 'both' : 'not both')`
  return new Promise((resolve, reject) => {
    import('node:child_process').then(({ execFile }) => execFile(process.execPath, ['--input-type=module', '-e', script],
      { cwd: import.meta.dirname ?? new URL('.', import.meta.url).pathname, env: { ...process.env, NODE_OPTIONS: '', AT: `${front.url}/v1`, NODE_EXTRA_CA_CERTS: file('authority.pem') } },
      (error, stdout) => error ? reject(error) : resolve(stdout))).catch(reject)
  }).then(stdout => assert.equal(stdout.trim(), 'both'))
})

test('ALPN: http/1.1 is agreed on, also when h2 is offered first', async () => {
  for (const offered of [['http/1.1'], ['h2', 'http/1.1']]) {
    const socket = await handshake({ ALPNProtocols: offered })
    assert.equal(socket.alpnProtocol, 'http/1.1')
    socket.destroy()
  }
  const without = await handshake({})
  assert.equal(without.alpnProtocol, false)
  without.destroy()
})

test('a client that speaks only HTTP/2 gets an alert; old TLS, too', async () => {
  await assert.rejects(handshake({ ALPNProtocols: ['h2'] }), /alert/i)
  await assert.rejects(handshake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }), /alert|version|protocol/i)
  assert.equal((await ask(chat())).status, 200)
})

test('plain HTTP to the TLS port ends, and nothing reaches a backend', async () => {
  const beforehand = (await mock.stats('plain')).requests
  const text = await exchange(front.port, postText(path, JSON.stringify(chat())))
  assert.ok(!text.includes('HTTP/1.1 200'))
  assert.equal((await mock.stats('plain')).requests, beforehand)
  assert.equal((await ask(chat())).status, 200)
})

test('https to a backend: certificate and name are checked, the connection is used again', async () => {
  const proxy = await Proxy.start({ backends: { good: backend('good') } })
  for (let n = 0; n < 3; n++) {
    const response = await post(proxy, path, chat({ stream: n === 1 }))
    assert.equal(response.status, 200)
    await response.text()
  }
  assert.equal((await mock.stats('good')).tls_handshakes, 1)
  assert.equal(await proxy.stop(), 0)
})

for (const [kind, why] of [['misnamed', /name|host|certificate/i], ['expired', /expired|certificate/i], ['foreign', /issuer|trust|certificate/i]]) {
  test(`a backend with a certificate that is ${kind}: said in the log, and the other one answers`, async () => {
    const proxy = await Proxy.start({ backends: { bad: backend(kind, { priority: 1 }), good: backend('good', { priority: 2 }) } })
    const response = await post(proxy, path, chat())
    assert.equal(response.status, 200)
    await response.text()
    const line = await proxy.access(0)
    assert.match(line, /after: bad /)
    assert.match(line.slice(line.indexOf('after:')), why)
    assert.equal((await mock.stats(kind)).requests, 0)
    assert.equal(await proxy.stop(), 0)
  })
}

test('a self-signed backend, not trusted by the system: refused; with tls.verify off: used', async () => {
  const untrusting = await Proxy.start({ backends: { good: { url: mock.urls.good } } })
  const refused = await post(untrusting, path, chat())
  assert.equal(refused.status, 502)
  assert.ok((await refused.json()).error.message)
  assert.equal(await untrusting.stop(), 0)
  const careless = await Proxy.start({ backends: { good: { url: mock.urls.foreign, tls_verify: 'false' } } })
  assert.equal((await post(careless, path, chat())).status, 200)
  assert.equal(await careless.stop(), 0)
})

test('tls.server_name is what is asked for and verified', async () => {
  const proxy = await Proxy.start({ backends: { other: backend('misnamed', { tls_server_name: 'elsewhere.example' }) } })
  assert.equal((await post(proxy, path, chat())).status, 200)
  assert.equal(await proxy.stop(), 0)
})

test('all backends are refused: 502', async () => {
  const proxy = await Proxy.start({ backends: { misnamed: backend('misnamed'), expired: backend('expired'), foreign: backend('foreign') } })
  const response = await post(proxy, path, chat())
  assert.equal(response.status, 502)
  assert.ok((await response.json()).error.message)
  assert.match(await proxy.access(0), /attempts=3/)
  assert.equal(await proxy.stop(), 0)
})

test('TLS on both sides, a large body', async () => {
  const both = await Proxy.start({ backends: { good: backend('good') }, env: {
    HEADROOM_TLS_CERTIFICATE_FILE: file('front.pem'), HEADROOM_TLS_KEY_FILE: file('front.key') } })
  const body = chat({ messages: [{ role: 'user', content: 'x'.repeat(400_000) }] })
  assert.equal((await ask(body, { port: both.port })).status, 200)
  assert.equal((await mock.requests('good')).at(-1).body_bytes, JSON.stringify(body).length)
  assert.equal(await both.stop(), 0)
})
