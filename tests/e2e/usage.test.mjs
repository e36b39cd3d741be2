// Usage of streams: asked of the backend for clients that do not ask, kept from them, and counted either way.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { Mock, Proxy, chat, post, until } from './harness/programs.mjs'
import { Raw, parseResponses, postText } from './harness/raw.mjs'

let mock
let proxy
before(async () => {
  mock = await Mock.start([
    'one,tpm=0,rpm=0,output=12,deployments=chat:gpt-4o;other:gpt-4o',
    'async,tpm=0,rpm=0,output=90,filter=async,deployments=slowly:gpt-4o',
    'old,tpm=0,rpm=0,output=12,stream_options=refused,deployments=aged:gpt-4o;older:gpt-4o',
  ])
  proxy = await Proxy.start({ backends: {
    one: { url: mock.urls.one, deployments: 'chat=chat,mapped=other', only_listed_deployments: true },
    async: { url: mock.urls.async, deployments: 'slowly=slowly', only_listed_deployments: true },
    old: { url: mock.urls.old, deployments: 'aged=aged,older=older', only_listed_deployments: true },
  } })
})
after(async () => {
  assert.equal(await proxy.stop(), 0)
  await mock.stop()
})

const paths = { chat: '/v1/chat/completions', completions: '/v1/completions' }
const ask = (kind, more = {}) => kind === 'chat'
  ? chat({ stream: true, ...more })
  : { model: 'chat', prompt: 'Say something.', max_tokens: 12, stream: true, ...more }
/** What differs between two answers to the same question. */
const steady = text => text.replace(/"id":"(chatcmpl|cmpl)-[^"]*"/g, '"id":"X"').replace(/"created":\d+/g, '"created":1')
const events = text => text.split('\n\n').filter(Boolean)
const isUsage = event => /"choices":\[\]/.test(event) && /"usage":\{/.test(event)
const direct = async (backend, kind, body) => {
  const response = await fetch(mock.urls[backend] + '/openai' + paths[kind], {
    method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'api-key': 'direct' } })
  assert.equal(response.status, 200)
  return response.text()
}
const lastBody = async backend => JSON.parse((await mock.requests(backend)).at(-1).body)
const tokensOf = line => {
  const found = / tokens=(\d+)\+(\d+)/.exec(line)
  return found && { prompt: Number(found[1]), completion: Number(found[2]) }
}

for (const [kind, model, backend] of [['chat', 'chat', 'one'], ['completions', 'chat', 'one'], ['chat', 'slowly', 'async']]) {
  test(`${kind} of ${backend}: a client that does not ask gets every byte but the usage event, and is counted`, async () => {
    const from = proxy.lines.length
    const response = await post(proxy, paths[kind], ask(kind, { model, max_tokens: 90 }))
    assert.equal(response.status, 200)
    const got = await response.text()
    const access = await proxy.access(from)
    const whole = events(await direct(backend, kind, ask(kind, { model, max_tokens: 90, stream_options: { include_usage: true } })))
    assert.equal(whole.filter(isUsage).length, 1)
    assert.equal(steady(got), steady(whole.filter(event => !isUsage(event)).join('\n\n') + '\n\n'))
    assert.ok(got.includes('"prompt_filter_results"'), 'the first event, which has no choices either')
    assert.deepEqual((await lastBody(backend)).stream_options, { include_usage: true })
    const usage = JSON.parse(whole.find(isUsage).slice(6)).usage
    assert.deepEqual(tokensOf(access), { prompt: usage.prompt_tokens, completion: usage.completion_tokens })
  })

  test(`${kind} of ${backend}: a client that asks gets its usage event once`, async () => {
    const from = proxy.lines.length
    const body = ask(kind, { model, stream_options: { include_usage: true } })
    const got = await (await post(proxy, paths[kind], body)).text()
    assert.ok(tokensOf(await proxy.access(from)))
    assert.equal(steady(got), steady(await direct(backend, kind, body)))
    assert.equal(events(got).filter(isUsage).length, 1)
  })
}

test('every way not to ask is asked for, and the rest of the body is the client\'s', async () => {
  for (const text of ['{"include_usage":false}', 'null', '{}', '{ "include_obfuscation" : false }', '{"include_obfuscation":false,"include_usage":null}']) {
    const body = JSON.stringify(chat({ stream: true })).replace('"stream":true', `"stream":true,"stream_options":${text}`)
    const got = await (await post(proxy, paths.chat, body)).text()
    assert.ok(got.endsWith('data: [DONE]\n\n') && !events(got).some(isUsage), text)
    const asked = await lastBody('one')
    assert.deepEqual(asked, { ...JSON.parse(body), stream_options: { ...JSON.parse(text), include_usage: true } })
  }
})

test('what is not to be edited reaches the backend as it is', async () => {
  const bodies = [chat(), chat({ stream: false }), chat({ stream: true, stream_options: { include_usage: true } })].map(one => JSON.stringify(one))
  bodies.push(JSON.stringify(chat({ stream: true })).replace('"stream":true', '"stream":true,"stream_options":{},"stream_options":{"include_usage":false}'))
  for (const body of bodies) {
    const response = await post(proxy, paths.chat, body)
    assert.equal(response.status, 200)
    await response.text()
    assert.equal((await mock.requests('one')).at(-1).body, body)
  }
})

test('beside another edit: a v1 backend gets its own model name and the wish, in one body of the right length', async () => {
  const own = await Proxy.start({ backends: { v1: { url: `${mock.urls.one}/openai/v1`, deployments: 'alias=other' } } })
  const body = chat({ model: 'alias', stream: true })
  const got = await (await post(own, paths.chat, body)).text()
  assert.ok(got.endsWith('data: [DONE]\n\n') && !events(got).some(isUsage))
  assert.deepEqual(await lastBody('one'), { ...body, model: 'other', stream_options: { include_usage: true } })
  await own.stop()
})

test('the openai SDK sees usage when it asks and none when it does not', async () => {
  const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'x', maxRetries: 0 })
  for (const asks of [false, true]) {
    const usages = []
    let text = ''
    for await (const chunk of await client.chat.completions.create(chat({ stream: true, ...(asks ? { stream_options: { include_usage: true } } : {}) }))) {
      if (chunk.usage) usages.push(chunk.usage)
      text += chunk.choices[0]?.delta?.content ?? ''
    }
    assert.ok(text.length > 0)
    assert.equal(usages.length, asks ? 1 : 0)
  }
})

test('an HTTP/1.0 client gets the stream without the event, to the close of the connection', async () => {
  const raw = await Raw.open(proxy.port)
  raw.write(postText(paths.chat, JSON.stringify(ask('chat'))).replace('HTTP/1.1', 'HTTP/1.0'))
  const [head, ...rest] = (await raw.until()).split('\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 200/)
  assert.doesNotMatch(head, /content-length|transfer-encoding/i)
  const body = rest.join('\r\n\r\n')
  assert.ok(body.endsWith('data: [DONE]\n\n') && !events(body).some(isUsage))
  raw.close()
})

test('a backend that refuses stream_options is asked without, once it has said so from the start', async () => {
  const own = await Proxy.start({ backends: { old: { url: mock.urls.old } } })
  const before = (await mock.requests('old')).length
  const wanted = steady(await direct('old', 'chat', ask('chat', { model: 'aged' })))
  for (let i = 0; i < 3; i++) {
    const from = own.lines.length
    const response = await post(own, paths.chat, ask('chat', { model: 'aged' }))
    assert.equal(response.status, 200)
    assert.equal(steady(await response.text()), wanted)
    const access = await own.access(from)
    assert.doesNotMatch(access, /tokens=|attempts=/)
  }
  const asked = (await mock.requests('old')).slice(before + 1).map(one => [one.status, JSON.parse(one.body).stream_options])
  assert.deepEqual(asked, [[400, { include_usage: true }], [200, undefined], [200, undefined], [200, undefined]])
  assert.equal(own.lines.filter(line => /Backend old refuses stream_options/i.test(line)).length, 1)
  // another deployment may be of another kind
  assert.equal((await post(own, paths.chat, ask('chat', { model: 'older' }))).status, 200)
  assert.equal((await mock.requests('old')).length, before + 1 + 4 + 2)
  await own.stop()
})

test('a refusal of what the client itself wrote is the client\'s, and proves nothing', async () => {
  const own = await Proxy.start({ backends: { one: { url: mock.urls.one } } })
  const before = (await mock.requests('one')).length
  const words = '{"error":{"message":"Unknown parameter: \'stream_options.colour\'.","type":"invalid_request_error","param":"stream_options.colour","code":"unknown_parameter"}}'
  await mock.fault('one', 'status', { status: 400, body: words, count: 2 })
  const refused = await post(own, paths.chat, ask('chat', { stream_options: { colour: 1 } }))
  assert.equal(refused.status, 400)
  assert.equal(await refused.text(), words)
  await mock.clearFaults()
  await (await post(own, paths.chat, ask('chat'))).text()
  const asked = (await mock.requests('one')).slice(before).map(one => JSON.parse(one.body).stream_options)
  assert.deepEqual(asked, [{ colour: 1, include_usage: true }, { colour: 1 }, { include_usage: true }])
  await own.stop()
})

test('other refusals are passed on at once', async () => {
  const before = (await mock.requests('one')).length
  const response = await post(proxy, paths.chat, ask('chat', { messages: [{ role: 'user', content: '[[content_filter]]' }] }))
  assert.equal(response.status, 400)
  assert.match(await response.text(), /content_filter/)
  assert.equal((await mock.requests('one')).length, before + 1)
})

test('switched off, nothing is added and nothing hidden', async () => {
  const own = await Proxy.start({ backends: { one: { url: mock.urls.one } }, env: { HEADROOM_USAGE_ADD_TO_STREAMS: 'false' } })
  const body = JSON.stringify(ask('chat'))
  const got = await (await post(own, paths.chat, body)).text()
  assert.equal((await mock.requests('one')).at(-1).body, body)
  assert.equal(steady(got), steady(await direct('one', 'chat', ask('chat'))))
  await own.stop()
})

/** What `headroom tokens` says of a text. */
const countedByHeadroom = text => JSON.parse(spawnSync(process.env.HEADROOM_BIN, ['tokens', '--json', '--model', 'gpt-4o', '-'], { input: text, encoding: 'utf8' }).stdout).tokens
const delta = event => { try { return JSON.parse(event.slice(6)).choices[0]?.delta?.content ?? '' } catch { return '' } }
const counted = line => Number(/ counted=(\d+)/.exec(line)?.[1] ?? NaN)

test('a client that leaves in the middle of a stream is charged for the text so far', async () => {
  const slow = await Mock.start(['slow,tpm=0,rpm=0,token_ms=20'])
  const own = await Proxy.start({ backends: { slow: slow.urls.slow } })
  const raw = await Raw.open(own.port)
  raw.write(postText(paths.chat, JSON.stringify(ask('chat', { max_tokens: 4000, messages: [{ role: 'user', content: '[[tokens=4000]]' }] }))))
  await raw.until(text => events(text).map(one => one.slice(one.indexOf('data: '))).filter(delta).length >= 12)
  const seen = raw.text.split('data: ').map(one => delta('data: ' + one.split('\n')[0])).filter(Boolean).length
  raw.close()
  const access = await own.access(0)
  assert.match(access, /client_gone/)
  await until(async () => (await slow.stats('slow')).aborted_by_peer === 1, 'the abort at the backend')
  const sent = (await slow.requests('slow')).at(-1).events_sent
  assert.ok(counted(access) >= seen && counted(access) <= sent, `${access}: ${seen} were seen, ${sent} sent`)
  await own.stop()
  await slow.stop()
})

test('a backend that dies in the middle of a stream, and one that never says its usage: the text is counted', async () => {
  const odd = await Mock.start(['silent,tpm=0,rpm=0,output=30,stream_options=ignored'])
  const own = await Proxy.start({ backends: { silent: odd.urls.silent } })
  const got = await (await post(own, paths.chat, ask('chat', { max_tokens: 30 }))).text()
  const whole = await own.access(0)
  assert.match(whole, / relayed /)
  const texts = events(got).map(delta).filter(Boolean)
  assert.equal(counted(whole), countedByHeadroom(texts.join('')))
  assert.equal((await own.metrics()).get('headroom_estimates_total{operation="chat"}'), 0)
  assert.equal((await own.metrics()).get('headroom_without_usage_total'), 1)

  const from = own.lines.length
  await odd.fault('silent', 'reset_stream', { count: 1, n: 8 })
  const raw = await Raw.open(own.port)
  raw.write(postText(paths.chat, JSON.stringify(ask('chat', { max_tokens: 30 }))))
  await raw.until(text => text.endsWith('\r\n0\r\n\r\n'))
  raw.close()
  const broken = await own.access(from)
  assert.match(broken, / broken /)
  assert.ok(counted(broken) > 0 && counted(broken) < 9, broken)
  await own.stop()
  await odd.stop()
})
