// Starts and stops the built programs for the end-to-end tests; everything on 127.0.0.1 and on ports that the kernel chose.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import { createInterface } from 'node:readline'

const bin = name => {
  const path = process.env[name]
  if (!path) throw new Error(`${name} is not set: run these tests with ctest -L e2e, or set it to the built program`)
  return path
}
export const io = process.env.HEADROOM_IO ?? 'auto'

/** The tests' own settings are not the program's. */
function environment(extra) {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(HEADROOM|BACKEND|IDENTITY|AZURE)_/i.test(key))
  return { ...Object.fromEntries(inherited), ...extra }
}

const running = new Set()
// a failed test leaves its programs behind; they may not keep the whole run waiting
after(() => Promise.all([...running].map(program => {
  const impatient = setTimeout(() => program.stop('SIGKILL'), 5_000)
  return program.stop().finally(() => clearTimeout(impatient))
})))

class Program {
  constructor(path, args, env) {
    running.add(this)
    this.lines = []
    this.waiting = []
    this.child = spawn(path, args, { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on('line', line => {
        this.lines.push(line)
        for (const look of [...this.waiting]) look()
      })
    }
    this.ended = once(this.child, 'exit').then(([code, signal]) => {
      this.code = code ?? signal
      running.delete(this)
      for (const look of [...this.waiting]) look()
      return this.code
    })
  }
  get text() { return this.lines.join('\n') }
  /** The first line, from `from` on, for which `test` gives something; what it gave. */
  line(test, from = 0) {
    return new Promise((resolve, reject) => {
      let at = from
      const timer = setTimeout(() => finish(reject, new Error(`no such line in:\n${this.text}`)), 20_000)
      const finish = (how, what) => {
        clearTimeout(timer)
        this.waiting = this.waiting.filter(one => one !== look)
        how(what)
      }
      const look = () => {
        for (; at < this.lines.length; at++) {
          const found = test(this.lines[at])
          if (found) return finish(resolve, found)
        }
        if (this.code !== undefined) finish(reject, new Error(`ended with ${this.code}:\n${this.text}`))
      }
      this.waiting.push(look)
      look()
    })
  }
  async stop(signal = 'SIGTERM') {
    if (this.code === undefined) this.child.kill(signal)
    return this.ended
  }
}

export class Mock extends Program {
  /** `backends`: as for --backend ("a,tpm=1000"). */
  static async start(backends, ...options) {
    const mock = new Mock(bin('MOCK_AZURE_BIN'), [...backends.flatMap(one => ['--backend', one]), ...options], {})
    mock.urls = {}
    await mock.line(line => {
      const event = JSON.parse(line)
      if (event.event === 'listening') mock.urls[event.backend] = event.url
      if (event.event === 'admin') mock.admin = event.url
      return event.event === 'ready'
    })
    return mock
  }
  async api(path, body, method = body ? 'POST' : 'GET') {
    const response = await fetch(this.admin + path, {
      method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    if (!response.ok) throw new Error(`mock ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  fault(backend, kind, more = {}) {
    const known = /^\d+$/.test(kind) && kind !== '429' ? { kind: 'status', status: Number(kind) } : { kind }
    return this.api('/faults', { backend, ...known, ...more })
  }
  clearFaults() { return this.api('/faults', undefined, 'DELETE') }
  async stats(backend) { return (await this.api('/stats')).backends[backend] }
  /** What reached a backend, oldest first. */
  async requests(backend) {
    const all = await this.api(`/requests?n=1000&backend=${backend}`)
    return all.requests ?? all
  }
}

/** Variables for classic or v1 backends: { name: url or { url, priority, tpm, ... } } */
export function backendVariables(backends) {
  const env = {}
  for (const [name, given] of Object.entries(backends)) {
    const fields = { priority: 1, apikey: `key-of-${name}`, ...(typeof given === 'string' ? { url: given } : given) }
    for (const [field, value] of Object.entries(fields)) {
      if (value !== undefined && value !== null) env[`BACKEND_${name.toUpperCase()}_${field.toUpperCase()}`] = String(value)
    }
  }
  return env
}

export class Proxy extends Program {
  static async start({ backends = {}, env = {}, args = [], workers = 1 } = {}) {
    // tidy: allow test_ports: 127 begins the address, the port is 0
    const all = ['--io', io, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', String(workers), ...args]
    const proxy = new Proxy(bin('HEADROOM_BIN'), all, { ...backendVariables(backends), ...env })
    const found = await proxy.line(line => /listens on (\S+?), admin on ([^;\s"]+)/.exec(line))
    proxy.url = found[1]
    proxy.admin = found[2]
    proxy.port = Number(new URL(proxy.url).port)
    return proxy
  }
  /** The next access line after those that were there. */
  access(from, test = () => true) { return this.line(line => /Proxying to|Answering|"event":"request"/.test(line) && test(line) && line, from) }
  async metrics() {
    const values = new Map()
    for (const line of (await (await fetch(`${this.admin}/metrics`)).text()).split('\n')) {
      const found = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line)
      if (found) values.set(found[1], Number(found[2]))
    }
    return values
  }
}

/** Polls until `condition` holds; the limit only ends a hopeless wait. */
export async function until(condition, what = 'the condition', limit = 20_000) {
  const end = Date.now() + limit
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what} did not come true`)
    // tidy: allow test_waits: between two looks at another process
    await new Promise(done => setTimeout(done, 10))
  }
}

export const chat = (more = {}) => ({ model: 'chat', max_tokens: 12, messages: [{ role: 'user', content: 'Say something.' }], ...more })

export function post(proxy, path, body, headers = {}) {
  return fetch(proxy.url + path, {
    method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })
}
