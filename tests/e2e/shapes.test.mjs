// Every shape of path, with every client, to both flavours of backend: the answer arrives and the backend was asked rightly.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { createAzure } from '@ai-sdk/azure'
import { embed, generateText, streamText } from 'ai'
import OpenAI, { AzureOpenAI } from 'openai'
import { Mock, Proxy, chat } from './harness/programs.mjs'

const run = promisify(execFile)
const secret = 'the-clients-own-key'

for (const flavour of ['classic', 'v1']) {
  describe(`${flavour} backend`, () => {
    let mock
    let proxy
    before(async () => {
      mock = await Mock.start(['one,tpm=0,rpm=0,keys=key-of-one,output=8,deployments=chat:gpt-4o;mapped:gpt-4o;embedding:text-embedding-3-small'])
      const url = flavour === 'v1' ? `${mock.urls.one}/openai/v1` : mock.urls.one
      proxy = await Proxy.start({ backends: { one: { url } } })
    })
    after(async () => {
      assert.equal(await proxy.stop(), 0)
      await mock.stop()
    })

    const clients = {
      'AzureOpenAI (classic paths)': () => new AzureOpenAI({ endpoint: proxy.url, apiKey: secret, apiVersion: '2024-10-21', maxRetries: 0 }),
      'OpenAI at /openai/v1': () => new OpenAI({ baseURL: `${proxy.url}/openai/v1`, apiKey: secret, maxRetries: 0 }),
      'OpenAI at /v1': () => new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: secret, maxRetries: 0 }),
      'OpenAI, bare': () => new OpenAI({ baseURL: proxy.url, apiKey: secret, maxRetries: 0 }),
    }
    const expectedChatPath = () => flavour === 'v1' ? '/openai/v1/chat/completions' : '/openai/deployments/chat/chat/completions'
    const lastRequest = async () => (await mock.requests('one')).at(-1)
    const assertClean = request => {
      const text = JSON.stringify(request.headers).toLowerCase()
      assert.ok(!text.includes(secret), 'the client\'s credential reached the backend')
      assert.ok(text.includes('key-of-one'))
    }

    for (const [name, make] of Object.entries(clients)) {
      test(`${name}: chat`, async () => {
        const answer = await make().chat.completions.create(chat())
        assert.ok(answer.choices[0].message.content.length > 0)
        assert.ok(answer.usage.total_tokens > 0)
        const request = await lastRequest()
        assert.equal(request.path ?? request.target.split('?')[0], expectedChatPath())
        assertClean(request)
      })
      test(`${name}: chat, streaming`, async () => {
        let text = ''
        let usage
        for await (const chunk of await make().chat.completions.create(chat({ stream: true, stream_options: { include_usage: true } }))) {
          text += chunk.choices[0]?.delta?.content ?? ''
          usage = chunk.usage ?? usage
        }
        assert.ok(text.length > 0)
        assert.ok(usage.completion_tokens > 0)
        assertClean(await lastRequest())
      })
      test(`${name}: embeddings`, async () => {
        const answer = await make().embeddings.create({ model: 'embedding', input: ['one', 'two'] })
        assert.equal(answer.data.length, 2)
        assert.ok(answer.data[0].embedding.length > 10)
      })
    }
    for (const name of ['OpenAI at /openai/v1', 'OpenAI at /v1', 'OpenAI, bare']) {
      test(`${name}: responses`, async () => {
        const client = clients[name]()
        const answer = await client.responses.create({ model: 'chat', input: 'Say something.', max_output_tokens: 16, store: false })
        assert.ok(answer.output_text.length > 0)
        const types = []
        for await (const event of await client.responses.create({ model: 'chat', input: 'Say.', max_output_tokens: 16, stream: true })) types.push(event.type)
        assert.equal(types[0], 'response.created')
        assert.ok(types.includes('response.output_text.delta'))
        assert.ok(['response.completed', 'response.incomplete'].includes(types.at(-1)), types.at(-1))
      })
    }

    test('@ai-sdk/azure: generateText, streamText, embed', async () => {
      const azure = createAzure({ baseURL: `${proxy.url}/openai`, apiKey: secret })
      const model = azure.chat('chat')
      const whole = await generateText({ model, prompt: 'Say something.', maxOutputTokens: 12, maxRetries: 0 })
      assert.ok(whole.text.length > 0)
      let text = ''
      for await (const part of streamText({ model, prompt: 'Say.', maxOutputTokens: 12, maxRetries: 0 }).textStream) text += part
      assert.ok(text.length > 0)
      const embedded = await embed({ model: azure.embedding('embedding'), value: 'hello', maxRetries: 0 })
      assert.ok(embedded.embedding.length > 10)
      const responses = await generateText({ model: azure('chat'), prompt: 'Say something.', maxOutputTokens: 16, maxRetries: 0 })
      assert.ok(responses.text.length > 0)
      const undated = createAzure({ baseURL: `${proxy.url}/openai`, apiKey: secret, useDeploymentBasedUrls: true })
      assert.ok((await generateText({ model: undated.chat('chat'), prompt: 'Say.', maxOutputTokens: 12, maxRetries: 0 })).text.length > 0)
      const byDeployment = createAzure({ baseURL: `${proxy.url}/openai`, apiKey: secret, useDeploymentBasedUrls: true, apiVersion: '2024-10-21' })
      const again = await generateText({ model: byDeployment.chat('chat'), prompt: 'Say.', maxOutputTokens: 12, maxRetries: 0 })
      assert.ok(again.text.length > 0)
    })

    test('curl: classic, v1 and bare; a stream arrives in events', async () => {
      const body = JSON.stringify(chat())
      for (const path of ['/openai/deployments/chat/chat/completions?api-version=2024-10-21', '/openai/v1/chat/completions', '/chat/completions']) {
        const { stdout } = await run('curl', ['-sS', '--fail', `${proxy.url}${path}`, '-H', 'content-type: application/json', '-H', `api-key: ${secret}`, '-d', body])
        assert.ok(JSON.parse(stdout).choices[0].message.content)
        assertClean(await lastRequest())
      }
      const { stdout } = await run('curl', ['-sS', '-N', '--fail', `${proxy.url}/v1/chat/completions`, '-H', 'content-type: application/json', '-d', JSON.stringify(chat({ stream: true }))])
      assert.ok(stdout.trimEnd().endsWith('data: [DONE]'))
    })
  })
}

describe('mapping', () => {
  let mock
  before(async () => { mock = await Mock.start(['one,tpm=0,rpm=0,deployments=mapped:gpt-4o']) })
  after(() => mock.stop())

  test('the ancestor\'s BACKEND_X_DEPLOYMENT_NAME replaces it in the path, and nothing else', async () => {
    const proxy = await Proxy.start({ backends: { one: { url: mock.urls.one, deployment_name: 'mapped' } } })
    const client = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'x', apiVersion: '2024-10-21', maxRetries: 0 })
    assert.ok((await client.chat.completions.create(chat())).choices.length)
    assert.match(JSON.stringify((await mock.requests('one')).at(-1)), /\/openai\/deployments\/mapped\/chat\/completions/)
    await proxy.stop()
  })
  test('in the body of a v1 backend, also when the client named it in the path', async () => {
    const proxy = await Proxy.start({ backends: { one: { url: `${mock.urls.one}/openai/v1`, deployment_name: 'mapped' } } })
    const classic = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'x', apiVersion: '2024-10-21', maxRetries: 0 })
    assert.ok((await classic.chat.completions.create(chat())).choices.length)
    const withoutModel = await fetch(`${proxy.url}/openai/deployments/chat/chat/completions?api-version=1`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: ' { "messages":[{"role":"user","content":"model"}],"max_tokens":3}' })
    assert.equal(withoutModel.status, 200)
    const v1 = new OpenAI({ baseURL: proxy.url, apiKey: 'x', maxRetries: 0 })
    assert.ok((await v1.chat.completions.create(chat({ model: 'whatever "quoted"' }))).choices.length)
    await proxy.stop()
  })
  test('a backend URL with a path suffix keeps it', async () => {
    const prefixed = await Mock.start(['two,tpm=0,rpm=0,prefix=/team/a,deployments=chat:gpt-4o'])
    const proxy = await Proxy.start({ backends: { two: { url: `${new URL(prefixed.urls.two).origin}/team/a` } } })
    assert.equal((await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(chat()) })).status, 200)
    await proxy.stop()
    await prefixed.stop()
  })
})
