// What finds no quota waits for it: in order, within its client's patience, and fairly between tenants.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AzureOpenAI } from 'openai'
import { Raw, postText } from './harness/raw.mjs'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'

const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
// ten requests in ten seconds, and the proxy knows it
const slow = { mock: ['one,tpm=0,rpm=60,slice=10,output=4,count_rejected=false'], rpm: 60 }

async function withBoth({ mock: backends, env = {}, rpm, args }, use) {
  const mock = await Mock.start(backends)
  const own = Object.fromEntries(Object.entries(mock.urls).map(([name, url]) => [name, { url, rpm }]))
  const proxy = await Proxy.start({ backends: own, env, args })
  try {
    await use(proxy, mock)
  } finally {
    assert.equal(await (proxy.ending ?? proxy.stop()), 0)
    await mock.stop()
  }
}

const waiting = async proxy => (await proxy.metrics()).get('headroom_waiting')
const ends = async (proxy, how) => (await proxy.metrics()).get(`headroom_waits_total{end="${how}"}`)
/** Uses up what the backend has for now, and is refused. */
const exhaust = async proxy => {
  for (;;) {
    const response = await post(proxy, path, chat(), { 'x-headroom-max-wait-ms': '0' })
    await response.text()
    if (response.status === 429) return response
    assert.equal(response.status, 200)
  }
}

test('a burst above the quota of requests gets only answers', async () => {
  await withBoth(slow, async (proxy, mock) => {
    const client = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'k', apiVersion: '2024-10-21', deployment: 'chat', maxRetries: 0 })
    const answers = await Promise.all(Array.from({ length: 18 }, () => client.chat.completions.create(chat(), { timeout: 100_000 })))
    assert.equal(answers.filter(one => one.choices[0].message.content.length > 0).length, 18)
    assert.ok(await ends(proxy, 'sent') > 0)
    assert.equal(await waiting(proxy), 0)
    assert.match(await proxy.access(0, line => / waited=\d+ms/.test(line)), / 200 relayed /)
    for (const one of await mock.requests('one')) {
      assert.equal(Object.keys(one.headers).some(name => name.toLowerCase().startsWith('x-headroom')), false)
    }
  })
})

test('a client that will not wait gets 429 at once, with both fields', async () => {
  await withBoth({ mock: ['one,tpm=0,rpm=6,slice=10'] }, async proxy => {
    const refused = await exhaust(proxy)
    const ms = Number(refused.headers.get('retry-after-ms'))
    const seconds = Number(refused.headers.get('retry-after'))
    assert.ok(ms > 0 && seconds === Math.ceil(ms / 1000), `${ms} ${seconds}`)
    assert.equal(await ends(proxy, 'sent'), 0)
    assert.doesNotMatch(await proxy.access(0, line => / 429 /.test(line)), / waited=/)
  })
})

test('an opening that is too late for its client is refused at once with the truth', async () => {
  await withBoth({ mock: ['one,tpm=0,rpm=6,slice=10'] }, async proxy => {
    await exhaust(proxy)
    const response = await post(proxy, path, chat(), { 'x-stainless-timeout': '4' })
    assert.equal(response.status, 429)
    assert.ok(Number(response.headers.get('retry-after-ms')) > 2000)
    await response.text()
  })
})

test('a client that leaves while it waits sends nothing', async () => {
  await withBoth({ mock: ['one,tpm=0,rpm=60,slice=10'], env: { HEADROOM_QUEUE_WAIT: '60s' } }, async (proxy, mock) => {
    await exhaust(proxy)
    const before = (await mock.stats('one')).requests
    const raw = await Raw.open(proxy.port)
    raw.write(postText(path, JSON.stringify(chat())))
    await until(async () => await waiting(proxy) === 1, 'a request that waits')
    raw.socket.resetAndDestroy()
    await until(async () => await waiting(proxy) === 0, 'an empty queue')
    assert.match(await proxy.access(0, line => /client_gone/.test(line)), / waited=/)
    assert.equal(await ends(proxy, 'left'), 1)
    assert.equal((await mock.stats('one')).requests, before)
  })
})

test('a client that only ends its side is asked whether it is there, keeps its place and is answered', async () => {
  await withBoth({ mock: ['one,tpm=0,rpm=120,slice=1'], env: { HEADROOM_QUEUE_WAIT: '60s' } }, async proxy => {
    await exhaust(proxy)
    const raw = await Raw.open(proxy.port)
    raw.write(postText(path, JSON.stringify(chat())))
    raw.socket.end()
    const text = await raw.until()
    assert.match(text, /HTTP\/1\.1 200 OK/)
    raw.close()
  })
})

test('a drain lets those that wait have their turn', async () => {
  await withBoth({ mock: ['one,tpm=0,rpm=120,slice=1'], env: { HEADROOM_QUEUE_WAIT: '60s' } }, async proxy => {
    await exhaust(proxy)
    const last = Promise.all(Array.from({ length: 4 }, () => post(proxy, path, chat())))
    await until(async () => await waiting(proxy) > 0, 'requests that wait')
    proxy.ending = proxy.stop()
    for (const response of await last) {
      assert.equal(response.status, 200)
      await response.text()
    }
  })
})

test('who still waits when the drain ends is told', async () => {
  const env = { HEADROOM_QUEUE_WAIT: '60s', HEADROOM_TIMEOUTS_DRAIN: '300ms' }
  await withBoth({ mock: ['one,tpm=0,rpm=60,slice=10'], env }, async proxy => {
    await exhaust(proxy)
    const last = post(proxy, path, chat())
    await until(async () => await waiting(proxy) > 0, 'a request that waits')
    proxy.ending = proxy.stop()
    assert.equal((await last).status, 503)
  })
})

test('one tenant\'s flood does not hold up another one', async () => {
  await withBoth(slow, async proxy => {
    await exhaust(proxy)
    const order = []
    const ask = async tenant => {
      const response = await post(proxy, path, chat(), { 'x-headroom-tenant': tenant, 'x-headroom-max-wait-ms': '100000' })
      await response.text()
      order.push(tenant)
      assert.equal(response.status, 200)
    }
    const flood = Array.from({ length: 14 }, () => ask('flood'))
    await until(async () => await waiting(proxy) === 14, 'the flood')
    const light = [ask('light'), ask('light')]
    await Promise.all(light)
    const before = order.filter(one => one === 'flood').length
    assert.ok(before < 10, `${before} of the flood were before the light tenant`)
    await Promise.all(flood)
    assert.equal(order.length, 16)
  })
})

describe('a full queue', () => {
  test('refuses the latest of who holds most of it', async () => {
    const env = { HEADROOM_QUEUE_LENGTH_MAX: '3', HEADROOM_QUEUE_WAIT: '60s' }
    await withBoth({ mock: ['one,tpm=0,rpm=60,slice=10'], env }, async proxy => {
      await exhaust(proxy)
      const ask = key => post(proxy, path, chat(), { 'api-key': key })
      const greedy = [ask('greedy'), ask('greedy'), ask('greedy')]
      await until(async () => await waiting(proxy) === 3, 'a full queue')
      const modest = ask('modest')
      const refused = await Promise.race(greedy)
      assert.equal(refused.status, 429)
      assert.ok(Number(refused.headers.get('retry-after-ms')) > 0)
      assert.equal(await waiting(proxy), 3)
      assert.match(await proxy.access(0, line => /queue-full/.test(line)), / 429 exhausted /)
      assert.equal((await modest).status, 200)
      assert.deepEqual((await Promise.all(greedy)).map(one => one.status).sort(), [200, 200, 429])
    })
  })
})

test('the retry budget ends what would multiply an outage, and the client gets the fault as it is', async () => {
  const env = { HEADROOM_RETRY_BUDGET_PERCENT: '0', HEADROOM_RETRY_BUDGET_PER_SECOND: '0' }
  await withBoth({ mock: ['one,tpm=0,rpm=0', 'two,tpm=0,rpm=0'], env }, async (proxy, mock) => {
    for (const name of ['one', 'two']) await mock.fault(name, '500', { count: 1 })
    const response = await post(proxy, path, chat())
    assert.equal(response.status, 500)
    await response.text()
    assert.match(await proxy.access(0, line => / 500 /.test(line)), /retry-budget/)
    assert.equal((await mock.stats('one')).requests + (await mock.stats('two')).requests, 1)
    assert.equal((await proxy.metrics()).get('headroom_retries_denied_total'), 1)
  })
})

test('a request that its SDK retries meets one other backend, not all of them', async () => {
  const names = ['one', 'two', 'three', 'four']
  await withBoth({ mock: names.map(name => `${name},tpm=0,rpm=0`) }, async (proxy, mock) => {
    const asked = async () => (await Promise.all(names.map(name => mock.stats(name)))).reduce((sum, one) => sum + one.requests, 0)
    for (const name of names) await mock.fault(name, '500', { count: 2 })
    await (await post(proxy, path, chat(), { 'x-stainless-retry-count': '1' })).text()
    assert.equal(await asked(), 2)
    const fresh = await post(proxy, path, chat())
    await fresh.text()
    assert.equal(await asked(), 6)
  })
})
