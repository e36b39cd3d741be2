// Prompts that begin alike go to one backend, in every replica to the same one, as long as it has room for them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Mock, Proxy, chat, post } from './harness/programs.mjs'

const names = ['a', 'b', 'c', 'd']
const path = '/v1/chat/completions'
let mock
let replicas
before(async () => {
  mock = await Mock.start(names.map(name => `${name},tpm=0,rpm=0,output=8`))
  const backends = Object.fromEntries(names.map(name => [name, { url: mock.urls[name], tpm: 10_000_000 }]))
  replicas = [await Proxy.start({ backends }), await Proxy.start({ backends, workers: 2 })]
})
after(async () => {
  for (const replica of replicas) assert.equal(await replica.stop(), 0)
  await mock.stop()
})

/** A prompt of some 1,500 tokens that begins in its own way and ends in another. */
const prompt = (start, end) => chat({ messages: [
  { role: 'system', content: `Rules of ${start}. ${'Answer briefly and say where it is written. '.repeat(150)}` },
  { role: 'user', content: `Question ${end}.` }] })

test('the start of a prompt has the same favourite in every replica', async () => {
  const favourites = new Set()
  for (let start = 0; start < 8; start++) {
    const marks = []
    for (const replica of replicas) {
      for (let end = 0; end < 3; end++) {
        const mark = `${start}.${replicas.indexOf(replica)}.${end}`
        marks.push(mark)
        const response = await post(replica, path, prompt(`book ${start}`, mark))
        assert.equal(response.status, 200, await response.text())
      }
    }
    const met = []
    for (const name of names) {
      const bodies = (await mock.requests(name)).map(request => request.body)
      if (marks.some(mark => bodies.some(body => body.includes(`Question ${mark}.`)))) met.push(name)
    }
    assert.equal(met.length, 1, `book ${start} went to ${met}`)
    favourites.add(met[0])
  }
  assert.ok(favourites.size > 1, 'different prompts have different favourites')
})
