// What stands around the program where it is installed: the image's files, the man page, completion, and the configurations that
// infra/ ships, each as the built program sees it. Not here: the image under a container runtime (tests/infra/image).
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from '../infra/packages.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const program = process.env.HEADROOM_BIN
if (!program) throw new Error('HEADROOM_BIN is not set: run these tests with ctest -L e2e, or set it to the built program')
const folder = mkdtempSync(join(tmpdir(), 'headroom-package-'))
after(() => rmSync(folder, { recursive: true }))

/** The output of a command that must succeed; `env` is all it knows of the environment but for the path. */
function run(command, args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd: root, env: { PATH: process.env.PATH, ...env } })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}`)
  return stdout
}
const absent = command => spawnSync(command, ['--version']).error ? `skipped: there is no ${command}` : false

/** Every file below a folder with its kind, mode, time and content, as one digest; and their paths. */
function listing(top) {
  const paths = readdirSync(top, { recursive: true }).sort()
  const hash = createHash('sha256')
  for (const path of paths) {
    const { mode, mtimeMs } = lstatSync(join(top, path))
    hash.update(`${path} ${mode} ${mtimeMs}\n`)
    if (lstatSync(join(top, path)).isFile()) hash.update(readFileSync(join(top, path)))
  }
  return { paths, digest: hash.digest('hex') }
}

test('the image\'s files are all that the program needs, the same each time, and no shell is among them', () => {
  const [first, second] = ['first', 'second'].map(name => join(folder, name))
  for (const top of [first, second]) run('infra/image/collect', [top, program], { SOURCE_DATE_EPOCH: '86400' })
  const { paths, digest } = listing(first)
  assert.equal(listing(second).digest, digest)
  for (const path of paths) assert.equal(lstatSync(join(first, path)).mtimeMs, 86_400_000, path)
  assert.deepEqual(paths.filter(path => /(^|\/)(ba|da)?sh$/.test(path)), [])
  const certificates = readFileSync(join(first, 'etc/ssl/certs/ca-certificates.crt'), 'utf8')
  assert.match(certificates, /BEGIN CERTIFICATE/)
  const loader = paths.find(path => /(^|\/)ld-linux[^/]*$/.test(path))
  const libraries = [...new Set(paths.filter(path => /\.so(\.|$)/.test(path)).map(path => join(first, dirname(path))))]
  const said = run(join(first, loader), ['--inhibit-cache', '--library-path', libraries.join(':'), join(first, 'usr/bin', basename(program)), 'version'])
  assert.match(said, /^headroom \d+\.\d+/)
  const listed = run(join(first, loader), ['--inhibit-cache', '--library-path', libraries.join(':'), '--list', join(first, 'usr/bin', basename(program))])
  for (const [, path] of listed.matchAll(/=> (\/\S+)/g)) assert.ok(!relative(first, path).startsWith('..'), `${path} is not of the image`)
})

test('the man page names every flag and every setting', { skip: absent('python3') }, () => {
  const page = run('python3', ['-B', 'infra/package/man_page.py', program]).replaceAll('\\-', '-')
  const flags = [...run(program, ['--help']).matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(one => one[1])
  const settings = [...run(program, ['help', 'settings']).matchAll(/^[a-z][\w.]*$/gm)].map(one => one[0])
  assert.ok(flags.length > 8 && settings.length > 50, `${flags.length} flags, ${settings.length} settings`)
  for (const name of [...flags, ...settings]) assert.ok(page.includes(name), name)
  assert.match(page, /^\.SH NAME\nheadroom - /m)
})

/** What bash completes after these words. */
function completed(...words) {
  const script = 'source infra/package/headroom.bash-completion; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); ' +
    'COMPREPLY=(); _headroom; printf "%s\\n" "${COMPREPLY[@]}"'
  return run('bash', ['-c', script, 'bash', program, ...words]).trim().split('\n')
}

test('bash completes commands, flags and their words as the program has them', () => {
  assert.deepEqual(completed('').sort(), ['check', 'help', 'replay', 'serve', 'tokens', 'version'])
  assert.deepEqual(completed('c'), ['check'])
  assert.deepEqual(completed('--lo').sort(), ['--log', '--log-level'])
  assert.deepEqual(completed('--io', '').sort(), ['auto', 'epoll', 'uring'])
  assert.deepEqual(completed('--log', '='), ['text', 'json'])
  assert.deepEqual(completed('help', ''), ['settings'])
})

/** What `headroom check` warns of, with this file or without one. */
function warnings(config, env) {
  const args = ['check']
  if (config !== undefined) {
    writeFileSync(join(folder, 'headroom.yaml'), config)
    args.push('--config', join(folder, 'headroom.yaml'))
  }
  return run(program, args, env).split('\n').filter(line => /warning: /.test(line))
}

test('the configurations that infra/ ships are without a mistake and nothing is to be said about them', () => {
  const service = readFileSync(join(root, 'infra/systemd/headroom.yaml'), 'utf8')
  assert.deepEqual(warnings(service, { OPENAI1_KEY: 'k' }), [])
  const kubernetes = parseAllDocuments(readFileSync(join(root, 'infra/kubernetes/headroom.yaml'), 'utf8')).map(one => one.toJS())
  const map = kubernetes.find(one => one.kind === 'ConfigMap').data['headroom.yaml']
  const keys = Object.fromEntries(parse(map).backends.map(one => [`BACKEND_${one.name.toUpperCase()}_APIKEY`, 'k']))
  assert.deepEqual(warnings(map, keys), [])
  const compose = parse(readFileSync(join(root, 'infra/compose.yaml'), 'utf8'), { merge: true })
  for (const name of ['headroom1', 'headroom2', 'headroom3']) {
    // simulated accounts on a network of their own have no certificate
    assert.deepEqual(warnings(undefined, compose.services[name].environment).filter(line => !/its credential travels unencrypted/.test(line)), [], name)
  }
})
