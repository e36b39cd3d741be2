// What the hook does after `azd` has provisioned, told by programs that stand in for az, azd and git: it builds an image for these
// sources unless the registry has it, deploys the app with it, and remembers it. Not here: the hook's twin for Windows, which is
// compared by its words only (infra.test.mjs).
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headroom-hooks-'))
after(() => rmSync(folder, { recursive: true }))
const parameters = '{"prefix":{"value":"demo"}}'

/** Runs the hook where the registry has these tags and the tree is as `status` says; the calls, one a line, and what create was given. */
function provisioned({ tags = '', status = '', failing = 'nothing', variables = {} } = {}) {
  const log = join(folder, 'log')
  const given = join(folder, 'given')
  writeFileSync(log, '')
  writeFileSync(given, '')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  const standIns = {
    az: `echo "az $*" >>"${log}"
case "$*" in
  *"${failing}"*) exit 1 ;;
  *"acr repository show-tags"*) echo "${tags}" ;;
  *"deployment group show"*) echo '${parameters}' ;;
  *"deployment group create"*) for word in "$@"; do case $word in @*) cat "\${word#@}" >"${given}" ;; esac; done ;;
esac`,
    azd: `echo "azd $*" >>"${log}"`,
    git: `case "$1" in rev-parse) echo 0123456789ab ;; status) printf '%s' "${status}" ;; esac`,
  }
  for (const [name, body] of Object.entries(standIns)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, AZURE_REGISTRY_NAME: 'registry', RESOURCE_GROUP_NAME: 'demo-rg', AZURE_SUBSCRIPTION_ID: 'sub', ...variables }
  const { status: code, stderr } = spawnSync('sh', ['infra/hooks/postprovision.sh'], { cwd: root, env, encoding: 'utf8' })
  return { code, stderr, calls: readFileSync(log, 'utf8').trim().split('\n'), given: readFileSync(given, 'utf8').trim() }
}
const image = 'registry.azurecr.io/headroom:0123456789ab'

test('the first time: build in the registry, deploy the app with its own parameters and the image, remember it', () => {
  const { code, calls, given } = provisioned()
  assert.equal(code, 0)
  assert.equal(calls.length, 5)
  assert.match(calls[1], /^az acr build .*--registry registry .*--file Containerfile --image headroom:0123456789ab \.$/)
  assert.match(calls[2], /^az deployment group show .*--resource-group demo-rg --name app --query properties\.parameters\.\{prefix:/)
  assert.match(calls[3], new RegExp(`^az deployment group create .*--name app --template-file infra/modules/app\\.bicep .*--parameters image=${image} `))
  assert.equal(given, parameters)
  assert.equal(calls[4], `azd env set HEADROOM_IMAGE ${image}`)
})

test('the same sources are not built twice', () => {
  const { code, calls } = provisioned({ tags: '0123456789ab' })
  assert.equal(code, 0)
  assert.ok(!calls.some(call => call.startsWith('az acr build')), calls.join('\n'))
  assert.equal(calls.at(-1), `azd env set HEADROOM_IMAGE ${image}`)
})

test('sources that differ from what was committed have a tag of their own and are built', () => {
  const { code, calls } = provisioned({ tags: '0123456789ab', status: ' M core/main.cpp' })
  assert.equal(code, 0)
  assert.match(calls[0], /^az acr build .*--image headroom:\d{14} \.$/)
  assert.match(calls.at(-1), /headroom:\d{14}$/)
})

test('a step that fails ends the hook, and no image is remembered that was not built or deployed', () => {
  for (const failing of ['acr build', 'deployment group show', 'deployment group create']) {
    const { code, calls } = provisioned({ failing })
    assert.notEqual(code, 0, failing)
    assert.ok(!calls.some(call => call.startsWith('azd')), failing)
  }
  // the registry may not have the repository yet
  assert.equal(provisioned({ failing: 'acr repository show-tags' }).code, 0)
})

test('outside of azd it says how to be run', () => {
  const { code, stderr } = provisioned({ variables: { AZURE_REGISTRY_NAME: '' } })
  assert.notEqual(code, 0)
  assert.match(stderr, /azd hooks run postprovision/)
})
