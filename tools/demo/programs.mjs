// Starts and stops the programs of the demo: mock backends and Headroom, everything on 127.0.0.1.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const paths = {
  headroom: process.env.HEADROOM_BIN ?? 'build/release/bin/headroom',
  mock: process.env.MOCK_AZURE_BIN ?? 'build/release/bin/mock_azure',
}
const children = []
let ending = false
export const isEnding = () => ending

export function fail(text) {
  console.error(`run: ${text}`)
  process.exitCode = 1
  return stopAll()
}

export function stopAll() {
  ending = true
  return Promise.all(children.map(child => new Promise(done => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', done)
    child.kill('SIGTERM')
  })))
}

/** Starts a program; each line of its output goes to `onLine`. Resolves once `ready(line)` gives something. */
function start(name, path, args, env, onLine, ready) {
  return new Promise((resolve, reject) => {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(HEADROOM|BACKEND)_/i.test(key)))
    // what it warns of is shown only when it does not start
    const child = spawn(path, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.on('data', data => { said = (said + data).slice(-4_000) })
    children.push(child)
    child.once('error', error => reject(new Error(`cannot start ${name} (${path}): ${error.message}`)))
    child.once('exit', code => {
      reject(new Error(`${name} ended with code ${code}: ${said}`))
      if (!ending) fail(`${name} ended by itself with code ${code}: ${said}`)
    })
    createInterface({ input: child.stdout }).on('line', line => {
      const result = ready(line)
      if (result) resolve(result)
      onLine(line)
    })
  })
}

/** `backends`: { name: 'keys of mock_azure' }. */
export async function startMocks(backends, ...options) {
  const urls = {}
  let admin
  const args = Object.entries(backends).flatMap(([name, keys], i) =>
    ['--backend', `${name},keys=key-of-${name},ttft=150,ttft_jitter=50,token_ms=4,seed=${i + 1},${keys}`])
  await start('mock_azure', paths.mock, [...args, ...options], {}, () => {}, line => {
    const event = JSON.parse(line)
    if (event.event === 'listening') urls[event.backend] = event.url
    if (event.event === 'admin') admin = event.url
    return event.event === 'ready'
  })
  return { urls, admin }
}

/** `backends`: { name: { url, tpm, priority } }. */
export async function startHeadroom(backends, io, onLine = () => {}, env = {}) {
  const variables = { ...env }
  for (const [name, { url, tpm, priority = 1 }] of Object.entries(backends)) {
    const prefix = `BACKEND_${name.toUpperCase()}`
    Object.assign(variables, {
      [`${prefix}_URL`]: url, [`${prefix}_PRIORITY`]: `${priority}`, [`${prefix}_APIKEY`]: `key-of-${name}`, [`${prefix}_TPM`]: `${tpm}`,
    })
  }
  const args = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--io', io]
  return start('headroom', paths.headroom, args, variables, onLine, line => {
    const found = /listens on (\S+?), admin on ([^;\s]+)/.exec(line)
    return found && { url: found[1], admin: found[2] }
  })
}

export async function getText(url, options) {
  const response = await fetch(url, options)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

/** Tells the mock's admin port something, such as a fault or a new limit. */
export const tell = (mocks, path, body) =>
  getText(mocks.admin + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

export const stats = async mocks => JSON.parse(await getText(`${mocks.admin}/stats`)).backends
