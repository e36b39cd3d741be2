// The image as a hardened platform runs it: not root, read-only, without capabilities, with and without io_uring. Run by
// tools/image, which builds it. HEADROOM_IMAGE names it, MOCK_AZURE_BIN is the backend.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Mock, chat } from '../../e2e/harness/programs.mjs'

const image = process.env.HEADROOM_IMAGE
const profile = fileURLToPath(new URL('../../../infra/kubernetes/headroom-seccomp.json', import.meta.url))
// no more than the machine allows by itself: podman would ask for a million descriptors
const limits = ['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=32768:32768']
const hardened = ['--network', 'host', '--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--memory', '512m', '--cpus', '0.5']
const podman = (...args) => execFileSync('podman', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

let mock
let folder
before(async () => {
  mock = await Mock.start(['one,tpm=0,rpm=0,output=8'])
  folder = mkdtempSync(join(tmpdir(), 'headroom-image-'))
})
after(async () => { await mock.stop(); rmSync(folder, { recursive: true }) })

/** A running container; `args` are the program's. */
class Container {
  constructor(options, args = []) {
    this.lines = []
    // tidy: allow test_ports: 127 begins the address, the port is 0
    const listen = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
    const all = ['--runtime', 'runc', 'run', '--rm', ...limits, ...hardened, ...options, '-e', `BACKEND_ONE_URL=${mock.urls.one}`, '-e', 'BACKEND_ONE_APIKEY=a-key',
      image, ...listen, ...args]
    this.started = performance.now()
    this.child = spawn('podman', all, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.ended = new Promise(done => this.child.on('close', done))
    this.listening = new Promise((resolve, reject) => {
      const look = line => {
        this.lines.push(line)
        const found = /listens on (\S+?), admin on ([^;]+);.*, (io_uring|epoll)$/.exec(line)
        if (found) resolve({ url: found[1], admin: found[2], io: found[3], after: performance.now() - this.started })
      }
      for (const stream of [this.child.stdout, this.child.stderr]) createInterface({ input: stream }).on('line', look)
      this.ended.then(code => reject(new Error(`ended with ${code}: ${this.lines.join('\n')}`)))
    })
    this.listening.catch(() => {})
  }
  get text() { return this.lines.join('\n') }
  async stop() { this.child.kill('SIGTERM'); return this.ended }
}

/** Starts, serves a request and a stream, stops; what it said of itself. */
async function serves(options) {
  const container = new Container(options)
  const { url, admin, io, after } = await container.listening
  for (const stream of [false, true]) {
    const response = await fetch(`${url}/openai/deployments/chat/chat/completions?api-version=2024-10-21`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(chat({ stream })) })
    assert.equal(response.status, 200)
    assert.match(await response.text(), stream ? /data: \[DONE\]\s*$/ : /"total_tokens"/)
  }
  assert.equal((await fetch(`${admin}/readyz`)).status, 200)
  assert.equal(await container.stop(), 0)
  return { io, text: container.text, after }
}

test('is small, not root, without health check and without a shell', t => {
  const [{ Config: config, Size: size }] = JSON.parse(podman('image', 'inspect', image))
  assert.equal(config.User, '65532:65532')
  assert.equal(config.Healthcheck, undefined)
  t.diagnostic(`${(size / 1e6).toFixed(1)} MB`)
  assert.ok(size < 60e6, `${size} bytes`)
  for (const shell of ['/bin/sh', '/bin/bash', '/usr/bin/sh']) {
    assert.throws(() => podman('--runtime', 'runc', 'run', '--rm', ...limits, ...hardened, '--entrypoint', shell, image, '-c', 'true'), /no such file|not found/i)
  }
})

test('where the runtime\'s own profile hides io_uring: its sibling serves', async t => {
  const { io, text, after } = await serves([])
  assert.equal(io, 'epoll')
  assert.match(text, /io_uring is not usable here .*; using epoll/)
  t.diagnostic(`listening ${after.toFixed(0)} ms after podman was started`)
})

test('with the profile of infra/kubernetes: io_uring', async t => {
  const { io, text, after } = await serves(['--security-opt', `seccomp=${profile}`])
  assert.equal(io, 'io_uring')
  assert.ok(!/not usable/.test(text))
  t.diagnostic(`listening ${after.toFixed(0)} ms after podman was started`)
})

test('with that profile without io_uring: its sibling serves with the rest', async () => {
  const all = JSON.parse(readFileSync(profile, 'utf8'))
  const without = { ...all, syscalls: all.syscalls.filter(one => !one.names.includes('io_uring_setup')) }
  assert.equal(without.syscalls.length, all.syscalls.length - 1)
  const path = join(folder, 'without.json')
  writeFileSync(path, JSON.stringify(without))
  assert.equal((await serves(['--security-opt', `seccomp=${path}`])).io, 'epoll')
})

test('--io uring where it is hidden: ends and says why', async () => {
  const container = new Container([], ['--io', 'uring'])
  assert.equal(await container.ended, 2)
  assert.match(container.text, /io_uring was asked for \(--io uring\) but is not usable here/)
})
