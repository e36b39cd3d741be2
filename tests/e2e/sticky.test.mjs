// What a backend stores is asked for where it is: known objects at once, unknown ones by search, never moved for lack of quota.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import OpenAI from 'openai'
import { Mock, Proxy, chat, post } from './harness/programs.mjs'

const names = ['a', 'b', 'c']
const backends = more => names.map(name => `${name},tpm=0,rpm=0,output=8,deployments=chat:gpt-4o${more}`)
const variables = mock => Object.fromEntries(names.map(name => [name, { url: mock.urls[name] }]))
const never = { 'x-headroom-max-wait-ms': '0' }

const get = (proxy, path, method = 'GET') => fetch(proxy.url + path, { method })
const json = async response => {
  const body = await response.json()
  assert.equal(response.status, 200, JSON.stringify(body))
  return body
}
const reached = async (mock, test) => {
  const all = await Promise.all(names.map(async name => (await mock.requests(name)).filter(test).map(() => name)))
  return all.flat()
}
const ask = (proxy, more = {}, headers = {}) => post(proxy, '/openai/v1/responses', { model: 'chat', input: 'Say something.', max_output_tokens: 16, ...more }, headers)
/** Which backends got requests for this path since the start. */
const askedFor = (mock, path) => reached(mock, request => request.target.includes(path))

describe('with three backends', () => {
  let mock
  let proxy
  before(async () => {
    mock = await Mock.start(backends(''))
    proxy = await Proxy.start({ backends: variables(mock) })
  })
  after(async () => {
    assert.equal(await proxy.stop(), 0)
    await mock.stop()
  })

  test('stored responses: read, continued and deleted where they are', async () => {
    for (let i = 0; i < 12; i++) {
      const made = await json(await ask(proxy))
      const path = `/openai/v1/responses/${made.id}`
      assert.equal((await json(await get(proxy, path))).id, made.id)
      const next = await json(await ask(proxy, { previous_response_id: made.id }))
      assert.equal(next.previous_response_id, made.id)
      assert.equal((await json(await get(proxy, `${path}/input_items`))).object, 'list')
      assert.equal((await json(await get(proxy, path, 'DELETE'))).deleted, true)
      assert.equal(new Set(await askedFor(mock, made.id)).size, 1, 'only one backend was asked for it')
      // nobody has it any more: all of them are asked, each once
      const [owner, ...earlier] = await askedFor(mock, made.id)
      assert.equal((await get(proxy, path)).status, 404)
      const others = (await askedFor(mock, made.id)).filter(name => name !== owner)
      assert.deepEqual(others.toSorted(), names.filter(name => name !== owner))
      assert.equal((await askedFor(mock, made.id)).length, 1 + earlier.length + names.length)
      assert.equal((await json(await get(proxy, `/openai/v1/responses/${next.id}`))).id, next.id)
    }
  })

  test('streams tell their id with the first event', async () => {
    const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'x', maxRetries: 0 })
    for (let i = 0; i < 9; i++) {
      let id
      for await (const event of await client.responses.create({ model: 'chat', input: 'Say.', max_output_tokens: 16, stream: true })) {
        if (event.type !== 'response.created') continue
        id = event.response.id
      }
      assert.equal((await client.responses.retrieve(id)).id, id)
      assert.equal(new Set(await askedFor(mock, id)).size, 1)
    }
  })

  test('reasoning that only its backend can read goes back to it, however it is escaped', async () => {
    for (let i = 0; i < 12; i++) {
      const stream = i % 2 === 1
      const response = await ask(proxy, { store: false, include: ['reasoning.encrypted_content'], stream })
      assert.equal(response.status, 200)
      const text = await response.text()
      const secret = /"encrypted_content":"([^"]+)"/.exec(text)[1]
      const escaped = i % 3 === 0 ? secret.replaceAll('/', '\\/').replaceAll('+', '\\u002B') : secret
      const body = JSON.stringify({ model: 'chat', store: false, max_output_tokens: 16, input: [{ type: 'reasoning', summary: [], encrypted_content: '?' }, { role: 'user', content: 'Go on.' }] })
      const before = (await Promise.all(names.map(name => mock.requests(name)))).flat().length
      const next = await post(proxy, '/openai/v1/responses', body.replace('"?"', `"${escaped}"`))
      assert.equal(next.status, 200, await next.text())
      assert.equal((await Promise.all(names.map(name => mock.requests(name)))).flat().length, before + 1, 'it was not searched for')
    }
  })

  test('references to items of stored responses', async () => {
    for (let i = 0; i < 9; i++) {
      const made = await json(await ask(proxy))
      const item = made.output[0].id
      assert.equal((await ask(proxy, { input: [{ type: 'item_reference', id: item }, { role: 'user', content: 'Go on.' }] })).status, 200)
      assert.equal(new Set(await reached(mock, request => request.body.includes(item))).size, 1)
    }
  })

  test('files, and what is made of them', async () => {
    for (let i = 0; i < 6; i++) {
      const form = new FormData()
      form.append('purpose', 'batch')
      form.append('file', new Blob(['{"custom_id":"1"}\n']), 'input.jsonl')
      const file = await json(await fetch(`${proxy.url}/openai/v1/files`, { method: 'POST', body: form }))
      assert.equal((await json(await get(proxy, `/openai/v1/files/${file.id}`))).id, file.id)
      const batch = await json(await post(proxy, '/openai/v1/batches', { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' }))
      assert.equal(batch.input_file_id, file.id)
      assert.equal((await json(await get(proxy, `/openai/v1/batches/${batch.id}`))).id, batch.id)
      const tuned = await json(await post(proxy, '/openai/v1/fine_tuning/jobs', { model: 'chat', training_file: file.id }))
      assert.equal((await json(await get(proxy, `/openai/v1/fine_tuning/jobs/${tuned.id}`))).id, tuned.id)
      const store = await json(await post(proxy, '/openai/v1/vector_stores', { name: 'v', file_ids: [file.id] }))
      assert.equal((await ask(proxy, { tools: [{ type: 'file_search', vector_store_ids: [store.id] }] })).status, 200)
      assert.equal((await post(proxy, '/openai/v1/chat/completions', chat({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: file.id } }] }] }))).status, 200)
      for (const id of [file.id, batch.id, tuned.id, store.id])
        assert.equal(new Set(await reached(mock, request => request.target.includes(id) || request.body.includes(id))).size, 1, id)
    }
  })

  test('threads, their messages and runs; conversations; stored completions', async () => {
    for (let i = 0; i < 6; i++) {
      const thread = await json(await post(proxy, '/openai/v1/threads', {}))
      const message = await json(await post(proxy, `/openai/v1/threads/${thread.id}/messages`, { role: 'user', content: 'x' }))
      assert.equal((await json(await get(proxy, `/openai/v1/threads/${thread.id}/messages/${message.id}`))).id, message.id)
      assert.ok((await json(await get(proxy, `/openai/v1/threads/${thread.id}/runs`))).data)
      const talk = await json(await post(proxy, '/openai/v1/conversations', {}))
      assert.equal((await ask(proxy, { conversation: talk.id })).status, 200)
      assert.equal((await ask(proxy, { conversation: { id: talk.id } })).status, 200)
      const kept = await json(await post(proxy, '/openai/v1/chat/completions', chat({ store: true })))
      assert.equal((await json(await get(proxy, `/openai/v1/chat/completions/${kept.id}`))).id, kept.id)
      for (const id of [thread.id, talk.id, kept.id])
        assert.equal(new Set(await reached(mock, request => request.target.includes(id) || request.body.includes(id))).size, 1, id)
    }
  })

  test('an id that nobody has gets the backends\' own words, and plain chat learns nothing', async () => {
    const from = proxy.lines.length
    const answer = await get(proxy, '/openai/v1/responses/resp_nowhere')
    assert.equal(answer.status, 404)
    assert.match(await answer.text(), /Response with id 'resp_nowhere' not found/)
    assert.match(await proxy.access(from, line => line.includes('resp_nowhere')), /searched/)
    const continued = await ask(proxy, { previous_response_id: 'resp_nowhere' })
    assert.equal(continued.status, 400)
    assert.equal((await continued.json()).error.code, 'previous_response_not_found')
    assert.deepEqual((await reached(mock, request => request.body.includes('resp_nowhere'))).toSorted(), names)
  })
})

describe('searching', () => {
  test('after a restart each object is searched for once, and a write is executed once', async () => {
    const mock = await Mock.start(backends(''))
    const first = await Proxy.start({ backends: variables(mock) })
    const made = []
    for (let i = 0; i < 6; i++) made.push((await json(await ask(first))).id)
    await first.stop()
    const second = await Proxy.start({ backends: variables(mock), workers: 2 })
    for (const id of made) {
      assert.equal((await ask(second, { previous_response_id: id })).status, 200)
      const asked = (await reached(mock, request => request.body.includes(id))).length
      assert.ok(asked <= names.length, 'none was asked twice')
      for (let i = 0; i < 3; i++) assert.equal((await ask(second, { previous_response_id: id })).status, 200)
      assert.equal((await reached(mock, request => request.body.includes(id))).length, asked + 3, 'found once, it is known')
    }
    const metrics = await second.metrics()
    assert.equal(metrics.get('headroom_pinned_total'), 18)
    await second.stop()
    await mock.stop()
  })

  test('an answer that is no "not here" ends the search', async () => {
    const mock = await Mock.start(backends(''))
    const proxy = await Proxy.start({ backends: variables(mock) })
    for (const name of names) await mock.fault(name, '400')
    assert.equal((await ask(proxy, { previous_response_id: 'resp_somewhere' })).status, 400)
    assert.equal((await reached(mock, request => request.body.includes('resp_somewhere'))).length, 1)
    await mock.clearFaults()
    await proxy.stop()
    await mock.stop()
  })
})

describe('a backend without quota', () => {
  for (const stream of [false, true]) {
    test(`answers 429 for what it has, and nobody else is asked (stream: ${stream})`, async () => {
      const mock = await Mock.start(names.map(name => `${name},tpm=1000000,rpm=100000,output=8,deployments=chat:gpt-4o`))
      const proxy = await Proxy.start({ backends: variables(mock) })
      const made = await json(await ask(proxy))
      const [owner] = await reached(mock, request => request.target.includes('/responses'))
      await mock.fault(owner, '429', { retry_after_ms: 30_000 })
      const pinned = await ask(proxy, { previous_response_id: made.id, stream }, never)
      assert.equal(pinned.status, 429)
      assert.ok(Number(pinned.headers.get('retry-after-ms')) > 1000)
      assert.deepEqual(await reached(mock, request => request.body.includes(made.id)), [owner])
      // what is not stored there goes on
      for (let i = 0; i < 6; i++) assert.equal((await ask(proxy, {}, never)).status, 200)
      const again = await ask(proxy, { previous_response_id: made.id, stream }, never)
      assert.equal(again.status, 429)
      assert.ok(!(await reached(mock, request => request.body.includes(made.id))).some(name => name !== owner))
      await proxy.stop()
      await mock.stop()
    })
  }
  test('and one that fails answers with its own error', async () => {
    const mock = await Mock.start(backends(''))
    const proxy = await Proxy.start({ backends: variables(mock) })
    const made = await json(await ask(proxy))
    const [owner] = await reached(mock, request => request.target.includes('/responses'))
    await mock.fault(owner, '503')
    assert.equal((await get(proxy, `/openai/v1/responses/${made.id}`)).status, 503)
    assert.deepEqual(await askedFor(mock, made.id), [owner])
    await mock.clearFaults()
    assert.equal((await json(await get(proxy, `/openai/v1/responses/${made.id}`))).id, made.id)
    await proxy.stop()
    await mock.stop()
  })
})
