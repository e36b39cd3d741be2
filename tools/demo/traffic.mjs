// Traffic of the demo: real OpenAI SDK clients without retries of their own, sending at given times.
import { isEnding } from './programs.mjs'

export async function makeClients(url) {
  const { OpenAI, AzureOpenAI } = await import('openai').catch(() => {
    throw new Error('the openai package is missing; run tools/setup')
  })
  const common = { apiKey: 'the-client-has-no-key-of-a-backend', maxRetries: 0 }
  return [
    new AzureOpenAI({ ...common, endpoint: url, apiVersion: '2024-10-21' }),
    new OpenAI({ ...common, baseURL: `${url}/openai/v1` }),
    new OpenAI({ ...common, baseURL: url }),
  ]
}

export const noneSeen = () => ({ sent: 0, open: 0, whole: 0, streamed: 0, refused: 0, errors: [], seconds: [] })

export async function ask(client, stream, maxTokens, seen) {
  const request = {
    model: 'chat', max_tokens: maxTokens, messages: [
      { role: 'system', content: 'You answer briefly.' },
      { role: 'user', content: 'What does a reverse proxy do with a quota of tokens per minute?' }],
  }
  const begun = performance.now()
  seen.sent++
  seen.open++
  try {
    if (stream) {
      let text = ''
      let finish
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
        text += chunk.choices[0]?.delta?.content ?? ''
        finish = chunk.choices[0]?.finish_reason ?? finish
      }
      if (!text || !finish) throw new Error('the stream ended without an answer')
      seen.streamed++
    } else {
      const answer = await client.chat.completions.create(request)
      if (!answer.choices[0].message.content) throw new Error('an answer without content')
      seen.whole++
    }
    seen.seconds.push((performance.now() - begun) / 1000)
  } catch (error) {
    if (error.status === 429) seen.refused++
    seen.errors.push(error)
  } finally {
    seen.open--
  }
}

/** A request each 1/rate seconds, whatever the answers take: as independent users would. */
export async function drive(clients, { requests, rate, maxTokens }, seen, onTick = () => {}) {
  const running = new Set()
  const begun = performance.now()
  for (let i = 0; i < requests; i++) {
    const wait = begun + i * 1000 / rate - performance.now()
    if (wait > 0) await new Promise(done => setTimeout(done, wait))
    if (isEnding()) return
    const one = ask(clients[i % clients.length], i % 2 === 1, maxTokens, seen).finally(() => running.delete(one))
    running.add(one)
    onTick(i + 1, running.size)
  }
  await Promise.all(running)
}
