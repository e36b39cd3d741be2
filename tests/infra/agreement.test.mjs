// What is told in several places is the same in all of them: the Bicep, the JSON template, Kubernetes, compose, systemd, and the
// guides in two languages. Each fact is taken from the place that acts on it and compared with those that repeat it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Deployment } from './bicep.mjs'
import { parse, parseAllDocuments } from './packages.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = path => readFileSync(join(root, path), 'utf8')
const { resources } = Deployment.evaluate(join(root, 'infra/main.bicep'), { name: 'demo', location: 'westeurope', image: 'registry.azurecr.io/headroom:1' })
const all = type => resources.filter(one => one.type === type).map(one => one.body)
const [app] = all('Microsoft.App/containerApps')
const [container] = app.properties.template.containers
const variables = Object.fromEntries(container.env.map(one => [one.name, one.value]))
const kubernetes = parseAllDocuments(read('infra/kubernetes/headroom.yaml')).map(one => one.toJS())
const configMap = parse(kubernetes.find(one => one.kind === 'ConfigMap').data['headroom.yaml'])
const pod = kubernetes.find(one => one.kind === 'Deployment').spec.template.spec
const seconds = text => Number(/^(\d+)s$/.exec(text)[1])
/** A setting's default, as its table says. */
const fallback = key => new RegExp(`^\\| \`${key.replace('.', '\\.')}\` \\|(?:[^|]*\\|){2} ([^|]*) \\|`, 'm').exec(read('docs/configuration.md'))[1]

test('the JSON template makes the same container app as the Bicep', () => {
  const template = JSON.parse(read('infra/azuredeploy.json'))
  const find = type => template.resources.find(one => one.type === type)
  const theirs = find('Microsoft.App/containerApps')
  for (const { type, version } of resources) if (find(type)) assert.equal(find(type).apiVersion, version, type)
  const { configuration, template: shape, workloadProfileName } = theirs.properties
  assert.equal(workloadProfileName, app.properties.workloadProfileName)
  assert.equal(configuration.activeRevisionsMode, app.properties.configuration.activeRevisionsMode)
  const { ipSecurityRestrictions, additionalPortMappings, ...ingress } = app.properties.configuration.ingress
  assert.deepEqual([ipSecurityRestrictions, additionalPortMappings], [[], []])
  assert.deepEqual(configuration.ingress, ingress)
  assert.equal(shape.terminationGracePeriodSeconds, app.properties.template.terminationGracePeriodSeconds)
  assert.deepEqual(shape.containers[0].probes, container.probes)
  assert.equal(shape.containers[0].resources.memory, container.resources.memory)
  assert.equal(/'([\d.]+)'/.exec(shape.containers[0].resources.cpu)[1], container.resources.cpu.toFixed(1))
  assert.deepEqual(shape.scale.rules, app.properties.template.scale.rules)
  assert.equal(shape.scale.minReplicas, app.properties.template.scale.minReplicas)
  assert.equal(template.parameters.maxReplicas.defaultValue, app.properties.template.scale.maxReplicas)
  const settings = shape.containers[0].env.filter(one => !one.name.startsWith('BACKEND_'))
  for (const { name, value } of settings) assert.equal(value, variables[name], name)
  assert.equal(variables.HEADROOM_LOG_FORMAT, fallback('log.format'))
  // what only an identity, or knowing the models, makes possible
  const left = Object.keys(variables).filter(name => !name.startsWith('BACKEND_') && !settings.some(one => one.name === name))
  assert.deepEqual(left.sort(), ['AZURE_CLIENT_ID', 'HEADROOM_LOG_FORMAT', 'HEADROOM_MODELS'])
  const logs = all('Microsoft.OperationalInsights/workspaces')[0].properties
  assert.deepEqual(find('Microsoft.OperationalInsights/workspaces').properties, logs)
})

test('whoever stops Headroom waits longer than it drains, and it knows for how long', () => {
  const { terminationGracePeriodSeconds: grace } = app.properties.template
  assert.equal(seconds(variables.HEADROOM_TIMEOUTS_GRACE), grace)
  assert.ok(seconds(variables.HEADROOM_TIMEOUTS_DRAIN) < grace)
  assert.equal(seconds(configMap.timeouts.grace), pod.terminationGracePeriodSeconds)
  assert.ok(seconds(configMap.timeouts.drain) < pod.terminationGracePeriodSeconds)
  const drain = seconds(fallback('timeouts.drain'))
  for (const [name, service] of Object.entries(parse(read('infra/compose.yaml'), { merge: true }).services)) {
    if (name.startsWith('headroom')) assert.ok(seconds(service.stop_grace_period) > drain, name)
  }
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(read('infra/systemd/headroom.service'))[1]) > drain)
})

test('probes, ports, user and seccomp profile are the same wherever they are named', () => {
  const [startup, liveness, readiness] = container.probes.map(one => one.httpGet.path)
  const { startupProbe, livenessProbe, readinessProbe, ports } = pod.containers[0]
  assert.deepEqual([startupProbe, livenessProbe, readinessProbe].map(one => one.httpGet.path), [startup, liveness, readiness])
  const exposed = /^EXPOSE (.*)$/m.exec(read('Containerfile'))[1].split(' ').map(Number)
  assert.deepEqual(ports.map(one => one.containerPort), exposed)
  assert.deepEqual([app.properties.configuration.ingress.targetPort, container.probes[0].httpGet.port], exposed)
  const [user, group] = /^USER (\d+):(\d+)$/m.exec(read('Containerfile')).slice(1).map(Number)
  assert.deepEqual([pod.securityContext.runAsUser, pod.securityContext.runAsGroup], [user, group])
  assert.match(read('infra/image/collect'), new RegExp(`headroom:x:${user}:${group}:`))
  assert.match(read('docs/deploy.md'), new RegExp(`user ${user}\\b`))
  const { localhostProfile } = pod.securityContext.seccompProfile
  assert.ok(read(`infra/kubernetes/${localhostProfile}`))
  const scrape = parse(read('infra/prometheus/prometheus.yml')).scrape_configs[0].static_configs[0].targets
  assert.deepEqual(scrape, [1, 2, 3].map(n => `headroom${n}:${exposed[1]}`))
})

test('the version is CMake\'s', () => {
  const [, version] = /^project\(headroom VERSION ([\d.]+)/m.exec(read('CMakeLists.txt'))
  assert.equal(parse(read('azure.yaml')).metadata.template, `headroom@${version}`)
  assert.equal(pod.containers[0].image, `headroom:${version}`)
})

test('the guide for Azure tells what the Bicep makes', () => {
  const guide = read('docs/azure.md')
  const models = all('Microsoft.CognitiveServices/accounts/deployments').map(one => one.name)
  const { scale } = app.properties.template
  const accounts = all('Microsoft.CognitiveServices/accounts').length
  for (const said of [`| ${accounts} Azure OpenAI accounts |`, `\`${models[0]}\` and \`${models[1]}\``,
    `${container.resources.cpu} CPU, ${parseInt(container.resources.memory)} GiB, ${scale.minReplicas} to ${scale.maxReplicas} replicas`,
    `${app.properties.template.terminationGracePeriodSeconds} s to stop`, `\`HTTP_TIMEOUT_SECONDS\` is ${variables.HTTP_TIMEOUT_SECONDS}`,
    `(${seconds(variables.HEADROOM_TIMEOUTS_DRAIN)} s)`, `${scale.rules[0].http.metadata.concurrentRequests} concurrent requests`,
    `${scale.rules[1].custom.metadata.value} % CPU`, `Log Analytics (${all('Microsoft.OperationalInsights/workspaces')[0].properties.retentionInDays} days)`,
    `registry (${all('Microsoft.ContainerRegistry/registries')[0].sku.name})`]) assert.ok(guide.includes(said), said)
  const parameters = JSON.parse(read('infra/main.parameters.json')).parameters
  assert.match(guide, new RegExp(`${/=(\d+)/.exec(parameters.deploymentCapacity.value)[1]} unless set`))
  for (const [, parameter] of guide.split('## Behind')[0].matchAll(/^\|[^|]*\|[^|]*`((?:openAi|models|allowed|external|admin|keyVault)\w*)`/gm)) {
    assert.ok(new Deployment(join(root, 'infra/main.bicep'), { name: 'demo', location: 'x' }).file.parameters().some(one => one.name === parameter), parameter)
  }
})

test('the Spanish pages have the commands, the names and the figures of the English ones', () => {
  for (const page of ['azure.md', 'migrate.md']) {
    const [english, spanish] = [read(`docs/${page}`), read(`docs/es/${page}`)]
    const commands = text => [...text.matchAll(/^```sh\n([^]*?)^```/gm)].map(one => one[1].replace(/\s*#.*$/gm, ''))
    assert.deepEqual(commands(spanish), commands(english), page)
    const missing = [...spanish.matchAll(/`([^`\n]+)`/g)].map(one => one[1]).filter(name => !/[<…]/.test(name) && !english.includes(name))
    assert.deepEqual(missing, [], page)
    const figures = text => [...text.matchAll(/\b\d[\d.,]*\b/g)].map(one => one[0])
    assert.deepEqual(figures(spanish).filter(one => !figures(english).includes(one)), [], page)
  }
})
