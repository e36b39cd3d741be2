// infra/ is what it says: the Bicep compiles and fits Azure's schemas with every set of parameters, the hooks and parameter files
// agree with it, the identity may do no more than it must. Not here: Azure itself, which alone knows quotas and regions.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkResource } from './arm_schema.mjs'
import { Deployment } from './bicep.mjs'
import { parse } from './packages.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = path => readFileSync(join(root, path), 'utf8')
const main = join(root, 'infra/main.bicep')
const given = { name: 'demo', location: 'westeurope' }
const everything = {
  ...given, image: 'registry.azurecr.io/headroom:1', deploymentCapacity: 50, allowedAddresses: ['203.0.113.0/24'], openAiLocations: ['eastus'],
  keyVaultBackends: [{ name: 'spare', url: 'https://spare.openai.azure.com', keySecretUri: 'https://vault.example/secrets/spare', priority: 2 }] }
const appOf = deployment => deployment.resources.find(one => one.type === 'Microsoft.App/containerApps').body
const containerOf = deployment => appOf(deployment).properties.template.containers[0]
const variablesOf = deployment => Object.fromEntries(containerOf(deployment).env.map(one => [one.name, one.value ?? one.secretRef]))

/** Types that Azure's published schemas do not have in a file of their own. */
const withoutSchema = new Set(['Microsoft.Resources/resourceGroups'])
function findings(resources) {
  return resources.flatMap(one => checkResource(one) ?? (withoutSchema.has(one.type) ? [] : [`${one.at}: no schema for ${one.type}@${one.version}`]))
}

for (const [what, parameters] of Object.entries({ 'first provision': given, 'everything set': everything })) {
  test(`the Bicep compiles and fits the schemas: ${what}`, () => {
    assert.deepEqual(findings(Deployment.evaluate(main, parameters).resources), [])
  })
}

test('the JSON template fits the schemas, and no key is a plain value', () => {
  const template = JSON.parse(read('infra/azuredeploy.json'))
  const resources = template.resources.map(({ type, apiVersion, dependsOn, ...body }) => ({ type, version: apiVersion, body, at: 'azuredeploy.json' }))
  assert.deepEqual(findings(resources), [])
  for (const [, name] of JSON.stringify(template.resources).matchAll(/parameters\('(\w+)'\)/g)) assert.ok(name in template.parameters, name)
  for (const [name, parameter] of Object.entries(template.parameters)) assert.equal(/key/i.test(name), parameter.type === 'securestring', name)
  for (const one of resources.at(-1).body.properties.template.containers[0].env) if (/KEY/.test(one.name)) assert.ok(one.secretRef && !one.value, one.name)
})

test('names stay within what Azure takes, even of the longest environment name', () => {
  const { resources } = Deployment.evaluate(main, { ...given, name: 'n'.repeat(28) })
  const longest = { 'Microsoft.App/containerApps': 32, 'Microsoft.App/managedEnvironments': 60, 'Microsoft.ContainerRegistry/registries': 50,
    'Microsoft.CognitiveServices/accounts': 64, 'Microsoft.OperationalInsights/workspaces': 63, 'Microsoft.ManagedIdentity/userAssignedIdentities': 128 }
  for (const { type, body } of resources) if (longest[type]) assert.ok(body.name.length <= longest[type], `${type}: ${body.name}`)
})

test('three accounts of equal priority, with the quota that OPENAI_CAPACITY says', () => {
  const deployment = Deployment.evaluate(main, { ...given, image: 'x', deploymentCapacity: 50 })
  const variables = variablesOf(deployment)
  for (const n of [1, 2, 3]) {
    assert.match(variables[`BACKEND_OPENAI${n}_URL`], /^https:\/\/openai\d-\w+\.openai\.azure\.com\/openai\/v1$/)
    assert.equal(variables[`BACKEND_OPENAI${n}_PRIORITY`], '1')
    assert.equal(variables[`BACKEND_OPENAI${n}_TPM`], '50000')
  }
  const deployments = deployment.resources.filter(one => one.type.endsWith('accounts/deployments'))
  assert.equal(deployments.length, 6)
  for (const one of deployments) assert.equal(one.body.sku.capacity, 50)
})

test('the identity may pull and call, nothing else', () => {
  const roles = Deployment.evaluate(main, given).resources.filter(one => one.type.endsWith('roleAssignments'))
  assert.equal(roles.length, 4)
  const source = read('infra/modules/access.bicep')
  assert.deepEqual([...source.matchAll(/'([0-9a-f-]{36})'/g)].map(one => one[1]).sort(),
    ['5e0bd9bd-7b93-4f28-af87-19fc36ad61bd', '7f951dda-4ed3-4680-a7ca-43fe172d538d'])
  for (const one of roles) assert.ok(one.body.scope, 'a role on the whole group')
})

test('probes go to pages that the program serves; the placeholder has none', () => {
  const placeholder = containerOf(Deployment.evaluate(main, given))
  assert.deepEqual(placeholder.probes, [])
  const { probes, env } = containerOf(Deployment.evaluate(main, everything))
  const admin = Number(env.find(one => one.name === 'HEADROOM_ADMIN').value.split(':')[1])
  assert.deepEqual(probes.map(one => [one.type, one.httpGet.path, one.httpGet.port]), [
    ['Startup', '/healthz', admin], ['Liveness', '/healthz', admin], ['Readiness', '/readyz', admin]])
})

test('the platform kills only after the drain, and a backend times out before the ingress', () => {
  const deployment = Deployment.evaluate(main, everything)
  const variables = variablesOf(deployment)
  assert.ok(appOf(deployment).properties.template.terminationGracePeriodSeconds >= parseInt(variables.HEADROOM_TIMEOUTS_DRAIN) + 10)
  assert.ok(Number(variables.HTTP_TIMEOUT_SECONDS) < 240)
})

test('keys of a vault reach the program as secrets only', () => {
  const app = appOf(Deployment.evaluate(main, everything))
  assert.deepEqual(Object.keys(app.properties.configuration.secrets[0]).sort(), ['identity', 'keyVaultUrl', 'name'])
  const key = app.properties.template.containers[0].env.find(one => one.name === 'BACKEND_SPARE_APIKEY')
  assert.deepEqual(key, { name: 'BACKEND_SPARE_APIKEY', secretRef: 'key-spare' })
})

test('nobody but the platform reaches the admin pages unless that is asked for, and then only apps of the environment', () => {
  const mappings = parameters => appOf(Deployment.evaluate(main, { ...everything, ...parameters })).properties.configuration.ingress.additionalPortMappings
  assert.deepEqual(mappings({}), [])
  assert.deepEqual(mappings({ adminWithinEnvironment: true }), [{ external: false, targetPort: 9090, exposedPort: 9090 }])
  assert.deepEqual(findings(Deployment.evaluate(main, { ...everything, adminWithinEnvironment: true }).resources), [])
})

test('a backend that names deployments is asked for those only', () => {
  const { BACKEND_SPARE_DEPLOYMENTS: none } = variablesOf(Deployment.evaluate(main, everything))
  assert.equal(none, undefined)
  const keyVaultBackends = [{ ...everything.keyVaultBackends[0], deployments: 'old-chat=tuned' }]
  const variables = variablesOf(Deployment.evaluate(main, { ...everything, keyVaultBackends }))
  assert.equal(variables.BACKEND_SPARE_DEPLOYMENTS, 'old-chat=tuned')
  assert.equal(variables.BACKEND_SPARE_ONLY_LISTED_DEPLOYMENTS, 'true')
})

test('azd finds what it needs: parameters, outputs, hooks', () => {
  const parameters = JSON.parse(read('infra/main.parameters.json')).parameters
  const declared = new Deployment(main, given).file.parameters().map(one => one.name)
  for (const name of Object.keys(parameters)) assert.ok(declared.includes(name), name)
  assert.equal(parameters.deploymentCapacity.value, '${OPENAI_CAPACITY=30}')
  const { outputs } = Deployment.evaluate(main, given)
  for (const name of ['CONTAINER_APP_URL', 'SERVICE_WEB_NAME', 'AZURE_REGISTRY_NAME', 'RESOURCE_GROUP_NAME']) assert.ok(name in outputs, name)
  const azd = parse(read('azure.yaml'))
  for (const hook of Object.values(azd.hooks.postprovision)) assert.ok(existsSync(join(root, hook.run)), hook.run)
  assert.ok(existsSync(join(root, azd.infra.path, `${azd.infra.module}.bicep`)))
})

test('the hooks deploy the app with all its parameters', () => {
  const names = [...read('infra/hooks/app_parameters.jmespath').matchAll(/^(\w+):\{value:(\w+)\.value\}/gm)]
  for (const [, left, right] of names) assert.equal(left, right)
  const app = join(root, 'infra/modules/app.bicep')
  const wanted = /^param (\w+)/gm
  const declared = [...readFileSync(app, 'utf8').matchAll(wanted)].map(one => one[1])
  assert.deepEqual([...names.map(one => one[1]), 'image'].sort(), declared.sort())
  for (const hook of ['infra/hooks/postprovision.sh', 'infra/hooks/postprovision.ps1']) {
    for (const part of ['az acr build', '--file Containerfile', 'az deployment group create', '--name app', 'azd env set HEADROOM_IMAGE']) assert.ok(read(hook).includes(part), `${hook}: ${part}`)
  }
})

test('a mistake in the Bicep is found, with its place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-infra-'))
  try {
    const modules = readdirSync(join(root, 'infra/modules')).map(name => [name, read(`infra/modules/${name}`)])
    const planted = [
      ['app.bicep', "transport: 'http'", "transport: 'h3'", /h3.*none of/],
      ['app.bicep', 'minReplicas: minReplicas', 'minReplica: minReplicas', /minReplica: there is no such property/],
      ['app.bicep', 'targetPort: empty(image) ? 80 : port', "targetPort: '8080'", /targetPort: is string, not integer/],
      ['app.bicep', 'failureThreshold: 10', 'failureThreshold: 60', /failureThreshold: 60 is out of range/],
      ['app.bicep', "type: 'Liveness'", "type: 'Alive'", /Alive/],
      ['openai.bicep', 'capacity: capacity', 'capacity: capacity1', /openai\.bicep:\d+:\d+: capacity1 is not declared/],
      ['platform.bicep', 'retentionInDays: 30', 'retentionInDays: 30,,', /platform\.bicep:\d+:\d+: syntax error/],
      ['access.bicep', 'param registryName string', 'param registry_name string', /there is no parameter registryName|is not declared/],
    ]
    for (const [file, from, to, expected] of planted) {
      for (const [name, text] of modules) writeFileSync(join(folder, name), name === file ? text.replace(from, to) : text)
      writeFileSync(join(folder, 'main.bicep'), read('infra/main.bicep').replaceAll("'modules/", "'"))
      let found
      try { found = findings(Deployment.evaluate(join(folder, 'main.bicep'), everything).resources).join('\n') } catch (mistake) { found = mistake.message }
      assert.match(found, expected, `${file}: ${to}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
