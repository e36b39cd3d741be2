// Managed identity: the token is fetched as Azure says, reaches backends without a key, is renewed and outlives failures.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, afterEach, before, test } from 'node:test'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'

const path = '/v1/chat/completions'
const secret = 'the-header-of-the-platform'
let mock
before(async () => { mock = await Mock.start(['one,tpm=0,rpm=0,output=8', 'keyed,tpm=0,rpm=0,output=8']) })
after(() => mock.stop())

/** An endpoint like that of Container Apps; `lifetime` in seconds, `failing` answers 500. */
let endpoint
before(async () => {
  endpoint = { asked: [], given: 0, lifetime: 3600, failing: false }
  endpoint.server = createServer((request, response) => {
    endpoint.asked.push({ method: request.method, url: new URL(request.url, 'http://x'), header: request.headers['x-identity-header'] })
    response.statusCode = endpoint.failing ? 500 : 200
    if (endpoint.failing) return response.end('{}')
    const expires = Math.floor(Date.now() / 1000) + endpoint.lifetime
    response.end(JSON.stringify({ access_token: `token-${++endpoint.given}`, expires_on: String(expires), token_type: 'Bearer' }))
  })
  await new Promise(done => endpoint.server.listen(0, '127.0.0.1', done))
  endpoint.url = `http://127.0.0.1:${endpoint.server.address().port}/msi/token`
})
after(() => endpoint.server.close())
afterEach(() => Object.assign(endpoint, { asked: [], given: 0, lifetime: 3600, failing: false }))

const start = (env = {}, backends = { one: { url: mock.urls.one, apikey: null } }) =>
  Proxy.start({ backends, env: { IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: secret, ...env } })
async function bearer(proxy, backend = 'one') {
  const response = await post(proxy, path, chat(), { authorization: 'Bearer of-the-client', 'api-key': 'key-of-the-client' })
  await response.text()
  assert.equal(response.status, 200)
  const request = (await mock.requests(backend)).at(-1)
  assert.ok(!JSON.stringify(request).includes('of-the-client'))
  return request.authorization
}
const ready = proxy => until(async () => (await fetch(`${proxy.admin}/readyz`)).status === 200, '/readyz 200')

test('the token is asked for as the platform wants it, and reaches the backend', async () => {
  const proxy = await start({ AZURE_CLIENT_ID: 'the-client-id' })
  await ready(proxy)
  assert.equal(await bearer(proxy), 'Bearer token-1')
  const [first] = endpoint.asked
  assert.equal(first.method, 'GET')
  assert.equal(first.url.pathname, '/msi/token')
  assert.equal(first.url.searchParams.get('api-version'), '2019-08-01')
  assert.equal(first.url.searchParams.get('resource'), 'https://cognitiveservices.azure.com')
  assert.equal(first.url.searchParams.get('client_id'), 'the-client-id')
  assert.equal(first.header, secret)
  assert.equal(endpoint.asked.length, 1)
  assert.equal(await proxy.stop(), 0)
})

test('without a client id none is passed; a resource of one\'s own is', async () => {
  const proxy = await start({ HEADROOM_IDENTITY_RESOURCE: 'https://elsewhere.example' })
  await ready(proxy)
  assert.equal(endpoint.asked[0].url.searchParams.get('client_id'), null)
  assert.equal(endpoint.asked[0].url.searchParams.get('resource'), 'https://elsewhere.example')
  assert.equal(await proxy.stop(), 0)
})

test('a backend with a key keeps it', async () => {
  const proxy = await start({}, { keyed: { url: mock.urls.keyed, apikey: 'key-of-keyed' }, one: { url: mock.urls.one, apikey: null, priority: 2 } })
  assert.ok(!(await bearer(proxy, 'keyed'))?.includes('token-'))
  assert.equal((await mock.requests('keyed')).at(-1).api_key, 'key-of-keyed')
  assert.equal(await proxy.stop(), 0)
})

test('renewed without being asked, and the new one is used', async () => {
  endpoint.lifetime = 6
  const proxy = await start()
  await ready(proxy)
  await until(() => endpoint.given >= 2, 'the second token')
  await until(async () => await bearer(proxy) !== 'Bearer token-1', 'the second token at the backend')
  assert.equal(await proxy.stop(), 0)
})

test('while the endpoint fails the old token is used, after its end none is', async () => {
  endpoint.lifetime = 4
  const proxy = await start()
  await ready(proxy)
  endpoint.failing = true
  const given = endpoint.given
  await until(() => endpoint.asked.length > given, 'a failed renewal')
  assert.equal(await bearer(proxy), `Bearer token-${given}`)
  await until(async () => (await fetch(`${proxy.admin}/readyz`)).status === 503, '/readyz 503')
  const refused = await post(proxy, path, chat())
  assert.ok(refused.status >= 500, `${refused.status}`)
  await refused.text()
  endpoint.failing = false
  await ready(proxy)
  assert.match(await bearer(proxy), /^Bearer token-\d+$/)
  assert.match(proxy.text, /Cannot get a managed-identity token: the endpoint answered 500/)
  assert.ok(!/token-\d/.test(proxy.text) && !proxy.text.includes(secret))
  assert.equal(await proxy.stop(), 0)
})
