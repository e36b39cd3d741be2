// What can be said of the image without building it: the Containerfile has what its builds need and ends as it should. A build
// finds the rest (tools/test image); here it is found that a new library, folder or stage was forgotten.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from './packages.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = path => readFileSync(join(root, path), 'utf8')

/** [{ from, name, steps: [[instruction, rest]] }] of the Containerfile. */
function stages() {
  const lines = read('Containerfile').replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ').split('\n').filter(line => line.trim())
  const all = []
  for (const line of lines) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line)
    const from = instruction === 'FROM' && /^(\S+) AS (\S+)$/.exec(rest)
    if (from) all.push({ from: from[1], name: from[2], steps: [] })
    else all.at(-1)?.steps.push([instruction, rest])
  }
  return all
}
const steps = (stage, instruction) => stage.steps.filter(one => one[0] === instruction).map(one => one[1])

test('what is built unless a stage is named is Headroom, and every other name leads to a stage', () => {
  const names = stages().map(one => one.name)
  assert.equal(names.at(-1), 'headroom')
  for (const { from, steps: all } of stages()) {
    assert.ok(['${BASE}', 'scratch', ...names].includes(from), from)
    for (const [, rest] of all) for (const [, stage] of rest.matchAll(/--from=(\S+)/g)) assert.ok(names.includes(stage), stage)
  }
  for (const { build } of Object.values(parse(read('infra/compose.yaml'), { merge: true }).services)) {
    if (!build) continue
    assert.ok(names.includes(build.target), build.target)
    assert.ok(existsSync(join(root, 'infra', build.context, build.dockerfile)))
  }
})

test('images start from nothing, are not root and have no shell to start with', () => {
  for (const stage of stages().filter(one => ['headroom', 'tools'].includes(one.name))) {
    assert.equal(stage.from, 'scratch')
    assert.deepEqual(steps(stage, 'USER'), ['65532:65532'])
    assert.match(steps(stage, 'ENTRYPOINT').join(), /^\["\/usr\/bin\/\w+"\]$/)
    for (const instruction of ['HEALTHCHECK', 'RUN', 'ADD', 'VOLUME']) assert.deepEqual(steps(stage, instruction), [], instruction)
  }
})

test('what is copied exists and is not kept out of the context', () => {
  const kept = read('.dockerignore').split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1))
  for (const path of kept) assert.ok(existsSync(join(root, path)), path)
  const inContext = path => kept.some(one => path === one || path.startsWith(`${one}/`))
  const sources = stages().flatMap(stage => steps(stage, 'COPY')).filter(rest => !rest.startsWith('--from') && !rest.startsWith('. '))
  for (const rest of sources) {
    for (const path of rest.split(/\s+/).slice(0, -1)) assert.ok(existsSync(join(root, path)) && inContext(path), path)
  }
  for (const [, path] of read('Containerfile').matchAll(/RUN (infra\/\S+)/g)) assert.ok(existsSync(join(root, path)) && inContext(path), path)
  for (const [, path] of read('CMakeLists.txt').matchAll(/^add_subdirectory\((\w+)\)/gm)) assert.ok(inContext(path) || inContext(`${path}/CMakeLists.txt`), path)
})

test('the build stage installs every library that tools/setup does', () => {
  const onlyForTests = /^(libgtest-dev|libgmock-dev|libbenchmark-dev|coinor-.*)$/
  const listed = /build_packages=\(([^]*?)\)/.exec(read('tools/setup'))[1].replace(/#.*$/gm, '').match(/[\w.+-]+(?=[\s'>]|$)/g)
  const libraries = listed.filter(name => /-dev$/.test(name) && !onlyForTests.test(name)).map(name => name.replace(/\d+\.\d+-dev$/, '-dev'))
  assert.ok(libraries.length >= 6, libraries.join())
  const source = stages().find(one => one.name === 'source')
  const installed = steps(source, 'RUN').join(' ').split(/\s+/).map(name => name.replace(/\d+\.\d+-dev$/, '-dev'))
  for (const name of [...libraries, 'clang-19', 'lld-19', 'llvm-19', 'cmake', 'ninja-build']) assert.ok(installed.includes(name), name)
})

test('the seccomp profile allows io_uring by a group of its own, so that it can be taken out', () => {
  const { defaultAction, syscalls } = JSON.parse(read('infra/kubernetes/headroom-seccomp.json'))
  assert.equal(defaultAction, 'SCMP_ACT_ERRNO')
  assert.deepEqual(syscalls.map(one => one.action), ['SCMP_ACT_ALLOW', 'SCMP_ACT_ALLOW'])
  assert.deepEqual(syscalls[1].names, ['io_uring_enter', 'io_uring_register', 'io_uring_setup'])
  const [{ names }] = syscalls
  assert.deepEqual(names, [...new Set(names)].sort())
  for (const dangerous of ['ptrace', 'mount', 'bpf', 'unshare', 'setns', 'keyctl', 'process_vm_writev', ...syscalls[1].names]) assert.ok(!names.includes(dangerous), dangerous)
})
