// The guides are true as far as a program can tell: links lead somewhere, messages of the troubleshooting page are messages of the
// program, files and variables that are named exist.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = path => readFileSync(join(root, path), 'utf8')
const files = (folder, end) => readdirSync(join(root, folder), { recursive: true }).filter(name => name.endsWith(end)).map(name => join(folder, name))
const pages = [...files('docs', '.md'), 'README.md']
/** Those for users; the others also speak of the program's inside. */
const guides = pages.filter(page => !/architecture|benchmarks|tokens/.test(page))

/** A heading's anchor, as GitHub makes it. */
const anchors = text => [...text.matchAll(/^#+ (.+)$/gm)].map(one => one[1].toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-'))

test('links between pages lead to a file and a heading', () => {
  const dead = []
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const file = path ? join(dirname(page), path) : page
      if (!existsSync(join(root, file))) dead.push(`${page}: ${target}`)
      else if (anchor && !anchors(read(file)).includes(anchor)) dead.push(`${page}: ${target}: no such heading`)
    }
  }
  assert.deepEqual(dead, [])
})

test('every message of the troubleshooting page is one that the program says', () => {
  // adjacent literals are one text; {} is what changes
  const said = ['core', 'net'].flatMap(folder => files(folder, '.cpp')).map(read).join('\n').replace(/"\s*\n?\s*"/g, '')
  const page = read('docs/troubleshooting.md').split('## Azure')[0]
  const messages = page.split('\n').filter(line => line.startsWith('| ')).flatMap(line => [...line.split('|')[1].matchAll(/`([^`]+)`/g)].map(one => one[1]))
    .filter(one => /[a-z] [a-z]/i.test(one) && one !== 'stream timeout')
  assert.ok(messages.length > 30, `${messages.length} messages`)
  const unsaid = messages.filter(one => !one.split('...').map(part => part.trim().replace(/^[:;() ]+|[:;() ]+$/g, '')).filter(part => part.length > 3).every(part => said.includes(part)))
  assert.deepEqual(unsaid, [])
})

test('variables that guides and deployments name are the program\'s', () => {
  const settings = read('docs/configuration.md')
  const ours = new Set(['HEADROOM_IMAGE', 'HEADROOM_REPLICAS_MIN', 'HEADROOM_REPLICAS_MAX', 'HEADROOM_CONFIG', 'HEADROOM_BIN', 'HEADROOM_EPOLL_BIN'])
  const unknown = []
  for (const file of [...guides, ...files('infra', '.bicep'), 'infra/compose.yaml', 'infra/azuredeploy.json', 'infra/kubernetes/headroom.yaml', 'infra/main.parameters.json']) {
    for (const [name] of read(file).matchAll(/\bHEADROOM_[A-Z_]+[A-Z]\b/g)) if (!ours.has(name) && !settings.includes(`\`${name}\``)) unknown.push(`${file}: ${name}`)
    for (const [, field] of read(file).matchAll(/\bBACKEND_(?:X|\d|OPENAI\d)_([A-Z_]*[A-Z])\b/g)) if (field !== 'FIELD' && !settings.includes(`BACKEND_X_${field}\``)) unknown.push(`${file}: BACKEND_X_${field}`)
  }
  assert.deepEqual(unknown, [])
})

test('files that the guides name exist', () => {
  const missing = []
  for (const page of guides) {
    for (const [, path] of read(page).matchAll(/`((?:infra|tools|docs|tests|core|net|balance)\/[\w./-]+)[^`]*`/g)) {
      if (!existsSync(join(root, path.replace(/[.,]$/, '')))) missing.push(`${page}: ${path}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('the steps of the tutorial are told in its order, and what it sets is read', () => {
  const start = ['azd auth login', 'azd config set auth.useAzCliAuth "true"', 'azd up', 'azd env get-values']
  const whole = [...start, 'azd env set OPENAI_HOST azure_custom', 'azd env set AZURE_OPENAI_CUSTOM_URL <CONTAINER_APP_URL>', 'azd up',
    'azd env set OPENAI_CAPACITY 50', 'azd down --purge --force']
  for (const [page, steps] of [['README.md', start], ['docs/azure.md', whole], ['docs/es/azure.md', whole]]) {
    const commands = [...read(page).matchAll(/^```sh\n([^]*?)^```/gm)].map(one => one[1]).join('')
    let at = 0
    for (const step of steps) {
      at = commands.indexOf(step, at)
      assert.ok(at >= 0, `${page}: ${step}`)
      at += step.length
    }
  }
  assert.match(read('infra/main.parameters.json'), /\$\{OPENAI_CAPACITY=30\}/)
})
