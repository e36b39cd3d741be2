// Headroom as the container app of infra/ runs it: the app's own variables, evaluated from its Bicep, the platform's variables
// and identity endpoint, its way of stopping, and an ingress in front that retries and gives up on silence.
import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import OpenAI, { AzureOpenAI } from 'openai'
import { Deployment } from '../infra/bicep.mjs'
import { Mock, Proxy, until } from './harness/programs.mjs'
import { Raw, postText } from './harness/raw.mjs'

const app = fileURLToPath(new URL('../../infra/main.bicep', import.meta.url))
const models = ['gpt-5.4-mini', 'without-reasoning', 'text-embedding-3-large'].map(name => `${name}:${name}`).join(';')
const names = ['openai1', 'openai2', 'openai3']
let mock
before(async () => {
  mock = await Mock.start(names.map(name => `${name},tpm=30000,rpm=0,output=8,flavour=v1,deployments=${models}`))
})
after(() => mock.stop())
const allRequests = async () => (await Promise.all(names.map(name => mock.requests(name)))).map((list, i) => list.map(one => ({ ...one, backend: names[i] })))
let earlier // how many each backend had had before the test
beforeEach(async () => { earlier = (await allRequests()).map(list => list.length) })
/** What reached the backends in this test. */
const newRequests = async () => (await allRequests()).flatMap((list, i) => list.slice(earlier[i]))
afterEach(async () => { await mock.clearFaults(); for (const name of names) await mock.api(`/reset?backend=${name}`, {}) })

/** The identity endpoint of the platform: gives tokens to whoever shows the header that holds now. */
class IdentityEndpoint {
  static async start() {
    const endpoint = Object.assign(new IdentityEndpoint(), { header: 'first-header', lifetime: 3600, failures: 0, stalled: null, given: 0, asked: [] })
    endpoint.server = createServer((request, response) => endpoint.answer(request, response))
    await new Promise(done => endpoint.server.listen(0, '127.0.0.1', done))
    endpoint.url = `http://127.0.0.1:${endpoint.server.address().port}/msi/token`
    return endpoint
  }
  async answer(request, response) {
    const url = new URL(request.url, 'http://x')
    this.asked.push(Object.fromEntries(url.searchParams))
    if (this.stalled) await this.stalled
    if (request.headers['x-identity-header'] !== this.header) return response.writeHead(403).end('{"message":"wrong header"}')
    if (this.failures > 0) { this.failures--; return response.writeHead(500).end('{}') }
    const expires = Math.floor(Date.now() / 1000) + this.lifetime
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: `token-${++this.given}`, expires_on: String(expires), resource: url.searchParams.get('resource'),
      token_type: 'Bearer', client_id: url.searchParams.get('client_id') }))
  }
  stall() { let release; this.stalled = new Promise(done => { release = () => { this.stalled = null; done() } }); return release }
  stop() { this.server.closeAllConnections(); this.server.close() }
}

/** What the Bicep gives the container, with the test's backends and ports in place of Azure's. */
function containerVariables(parameters) {
  const { resources } = Deployment.evaluate(app, { name: 'demo', location: 'westeurope', image: 'registry.azurecr.io/headroom:1', ...parameters })
  const template = resources.find(one => one.type === 'Microsoft.App/containerApps').body.properties.template
  const variables = {}
  for (const { name, value } of template.containers[0].env) variables[name] = value
  names.forEach(name => { variables[`BACKEND_${name.toUpperCase()}_URL`] = mock.urls[name] + '/openai/v1' })
  variables.AZURE_CLIENT_ID = 'client-of-the-identity'
  return variables
}

const platformVariables = endpoint => ({
  CONTAINER_APP_NAME: 'demo-app', CONTAINER_APP_REVISION: 'demo-app--0000001', CONTAINER_APP_REPLICA_NAME: 'demo-app--0000001-6c9f8-x2x5q',
  CONTAINER_APP_HOSTNAME: 'demo-app--0000001.politebay.westeurope.azurecontainerapps.io', CONTAINER_APP_PORT: '8080',
  CONTAINER_APP_ENV_DNS_SUFFIX: 'politebay.westeurope.azurecontainerapps.io', KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_PORT: 'tcp://10.0.0.1:443',
  BACKEND_SERVICE_HOST: '10.0.0.9', BACKEND_PORT: 'tcp://10.0.0.9:80',
  IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: 'first-header', MSI_ENDPOINT: endpoint.url, MSI_SECRET: 'first-header' })

const deploy = (endpoint, parameters) => Proxy.start({ env: { ...containerVariables(parameters), ...platformVariables(endpoint) } })
const ready = proxy => until(async () => (await fetch(`${proxy.admin}/readyz`)).status === 200, '/readyz 200')
/** The app with an identity endpoint that `set` says more of, and with other parameters of the Bicep; it must end in peace. */
async function withApp(run, set = {}, parameters = {}) {
  const endpoint = Object.assign(await IdentityEndpoint.start(), set)
  const release = set.stalled && endpoint.stall()
  const proxy = await deploy(endpoint, parameters)
  try {
    await run(proxy, endpoint, release)
    assert.equal(await proxy.stop(), 0)
  } finally {
    await proxy.stop('SIGKILL')
    endpoint.stop()
  }
}
const ask = (proxy, more = {}) => fetch(`${proxy.url}/openai/v1/chat/completions`, {
  method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer of-the-client' },
  body: JSON.stringify({ model: 'gpt-5.4-mini', max_completion_tokens: 12, messages: [{ role: 'user', content: 'Say something.' }], ...more }) })

test('starts with the app\'s own variables, all accounts share the load, the log shows where', () => withApp(async (proxy, endpoint) => {
  await ready(proxy)
  for (let i = 0; i < 12; i++) assert.equal((await ask(proxy)).status, 200)
  const requests = await newRequests()
  for (const one of requests) assert.equal(one.authorization, 'Bearer token-1')
  for (const name of names) {
    assert.ok(requests.some(one => one.backend === name), `${name} got nothing`)
    assert.match(proxy.text, new RegExp(`Proxying to ${mock.urls[name]}`))
  }
  assert.equal(endpoint.asked[0].client_id, 'client-of-the-identity')
  assert.equal(endpoint.asked[0]['api-version'], '2019-08-01')
  assert.deepEqual(proxy.lines.filter(line => /warning|mistake/i.test(line)), [])
}))

test('today\'s chat app: /responses and /embeddings below the bare URL, with a bearer token', () => withApp(async proxy => {
  await ready(proxy)
  // an Entra token of 9.7 KB, as large tenants have
  const client = new OpenAI({ baseURL: proxy.url, apiKey: 'e'.repeat(9_700), maxRetries: 0 })
  const stream = await client.responses.create({ model: 'gpt-5.4-mini', input: [{ role: 'user', content: 'What does my plan cover?' }], store: false, stream: true,
    max_output_tokens: 64, reasoning: { effort: 'low' }, tools: [{ type: 'function', name: 'search_sources', description: 'Search', strict: false,
      parameters: { type: 'object', properties: { search_query: { type: 'string' } }, required: ['search_query'] } }] })
  const events = []
  for await (const event of stream) events.push(event)
  assert.equal(events.at(-1).type, 'response.completed')
  assert.ok(events.at(-1).response.usage.total_tokens > 0)
  const whole = await client.responses.create({ model: 'gpt-5.4-mini', input: 'Rewrite the question.', store: false, max_output_tokens: 32 })
  assert.ok(whole.output_text.length > 0)
  const embeddings = await client.embeddings.create({ model: 'text-embedding-3-large', input: ['one', 'two'], dimensions: 256 })
  assert.equal(embeddings.data.length, 2)
  const paths = new Set((await newRequests()).map(one => (one.path ?? one.target).split('?')[0]))
  assert.deepEqual([...paths].sort(), ['/openai/v1/embeddings', '/openai/v1/responses'])
}))

test('the chat app of 2024: deployment paths and the ancestor\'s names, with a model that takes max_tokens', () => withApp(async proxy => {
  await ready(proxy)
  const client = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'of-the-client', apiVersion: '2024-03-01-preview', maxRetries: 0 })
  const stream = await client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 16, n: 1, temperature: 0.3, stream: true })
  let content = ''
  for await (const chunk of stream) content += chunk.choices[0]?.delta?.content ?? ''
  assert.ok(content.length > 0)
  const answer = await client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content: 'A search query, please' }], max_tokens: 16 })
  assert.ok(answer.choices[0].message.content.length > 0)
  const embeddings = await client.embeddings.create({ model: 'embedding', input: 'one' })
  assert.equal(embeddings.data.length, 1)
  const asked = (await newRequests()).map(one => one.deployment ?? one.model)
  assert.deepEqual([...new Set(asked)].sort(), ['text-embedding-3-large', 'without-reasoning'])
}, {}, { models: [
  { alias: 'chat', name: 'without-reasoning', version: '1', sku: 'GlobalStandard' },
  { alias: 'embedding', name: 'text-embedding-3-large', version: '1', sku: 'GlobalStandard' }] }))

test('max_tokens for a reasoning model, as azd up deploys it: the model\'s own 400, and no other account is asked', () => withApp(async proxy => {
  await ready(proxy)
  const client = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'of-the-client', apiVersion: '2024-03-01-preview', maxRetries: 0 })
  await assert.rejects(client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 16 }),
    error => error.status === 400 && error.code === 'unsupported_parameter' && error.param === 'max_tokens')
  assert.equal((await newRequests()).length, 1)
  // what docs/migrate.md advises
  const answer = await client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], max_completion_tokens: 16 })
  assert.ok(answer.choices[0].message.content.length > 0)
}))

test('two names of one deployment use one quota', () => withApp(async proxy => {
  await ready(proxy)
  for (const model of ['chat', 'gpt-5.4-mini', 'chat', 'gpt-5.4-mini']) assert.equal((await ask(proxy, { model })).status, 200)
  const { quotas } = await (await fetch(`${proxy.admin}/quotas`)).json()
  const used = quotas.filter(one => one.sent > 0)
  assert.deepEqual([...new Set(used.map(one => one.deployment))], ['gpt-5.4-mini'])
  assert.equal(used.reduce((sum, one) => sum + one.sent, 0), 4)
  assert.equal(new Set(used.map(one => one.backend)).size, used.length)
}))

test('one account throttles: the client notices nothing', () => withApp(async proxy => {
  await ready(proxy)
  await mock.fault('openai1', '429', { count: 1000 })
  for (let i = 0; i < 8; i++) assert.equal((await ask(proxy)).status, 200)
}))

test('a slow identity endpoint: alive at once, ready when the token is there', () => withApp(async (proxy, _, release) => {
  assert.equal((await fetch(`${proxy.admin}/healthz`)).status, 200)
  assert.equal((await fetch(`${proxy.admin}/readyz`)).status, 503)
  release()
  await ready(proxy)
  assert.equal((await ask(proxy)).status, 200)
}, { stalled: true }))

test('an identity endpoint that fails at first is asked again', () => withApp(async proxy => {
  await ready(proxy)
  assert.equal((await ask(proxy)).status, 200)
  assert.match(proxy.text, /Cannot get a managed-identity token: the endpoint answered 500/)
}, { failures: 2 }))

test('the platform rotates the header: the old token serves to its end, then the replica is not ready and says why', () => withApp(async (proxy, endpoint) => {
  await ready(proxy)
  endpoint.header = 'second-header'
  await until(() => endpoint.asked.length > 1, 'a renewal')
  assert.equal((await ask(proxy)).status, 200)
  await until(async () => (await fetch(`${proxy.admin}/readyz`)).status === 503, '/readyz 503')
  assert.match(proxy.text, /Cannot get a managed-identity token: the endpoint answered 403/)
  assert.equal((await fetch(`${proxy.admin}/healthz`)).status, 200)
  assert.ok(!proxy.text.includes('first-header') && !/token-\d/.test(proxy.text))
}, { lifetime: 4 }))

test('SIGTERM: the open stream ends in peace, new requests are refused, exit 0 well within the grace period', () => withApp(async proxy => {
  await ready(proxy)
  const stream = await ask(proxy, { stream: true, messages: [{ role: 'user', content: '[[tokens=20]] [[token_ms=100]]' }] })
  const reader = stream.body.getReader()
  let text = Buffer.from((await reader.read()).value).toString()
  const stopped = proxy.stop('SIGTERM')
  await proxy.line(line => /draining/.test(line))
  assert.equal((await fetch(`${proxy.admin}/readyz`)).status, 503)
  await assert.rejects(ask(proxy))
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    text += Buffer.from(value).toString()
  }
  assert.match(text, /data: \[DONE\]\s*$/)
  assert.equal(await stopped, 0)
}))

/** An ingress that sends a request again when the connection fails before an answer, and gives up on silence. */
function throughIngress(port, body, idle, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/openai/v1/chat/completions', headers: {
      'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', 'x-request-id': '7b0b', 'x-envoy-external-address': '203.0.113.7', ...headers } })
    const timer = setTimeout(() => request.destroy(new Error('stream timeout')), idle)
    request.on('response', response => { clearTimeout(timer); response.resume().on('end', () => resolve(response.statusCode)).on('error', reject) })
    request.on('error', reject)
    request.end(body)
  })
}

test('an ingress that gives up on silence: the backend\'s work is cancelled, and its retries are requests of their own', () => withApp(async proxy => {
  await ready(proxy)
  for (const name of names) await mock.fault(name, 'hang', { count: 1 })
  const body = JSON.stringify({ model: 'gpt-5.4-mini', max_completion_tokens: 12, messages: [{ role: 'user', content: 'Think.' }] })
  const before = proxy.lines.length
  await assert.rejects(throughIngress(proxy.port, body, 500), /stream timeout/)
  await proxy.access(before, line => /client|gone|left|abandon/i.test(line))
  await mock.clearFaults()
  assert.equal(await throughIngress(proxy.port, body, 20_000), 200)
  assert.equal(await throughIngress(proxy.port, body, 20_000), 200)
  const seen = (await newRequests())
  assert.equal(seen.length, 3)
}))

test('an idle connection that the ingress keeps is used again; one that it closes costs nothing', () => withApp(async proxy => {
  await ready(proxy)
  const raw = await Raw.open(proxy.port)
  const body = JSON.stringify({ model: 'gpt-5.4-mini', max_completion_tokens: 4, messages: [{ role: 'user', content: 'Hi' }] })
  for (let i = 1; i <= 2; i++) {
    raw.write(postText('/openai/v1/chat/completions', body))
    await raw.until(text => text.split('HTTP/1.1 200').length === i + 1 && /"total_tokens"[^]*\}$/.test(text))
  }
  raw.close()
  assert.equal((await ask(proxy)).status, 200)
}))
