// Everything that `azd up` makes: a resource group with N Azure OpenAI accounts of equal priority and Headroom in front of them.
// The container app is a module of its own (modules/app.bicep), since the postprovision hook deploys it again with the image.
// Not here: Redis (Headroom's replicas share no state, so it would have no use for one) and a resiliency policy (see app.bicep).
targetScope = 'subscription'

@minLength(1)
@maxLength(28)
@description('Name of the environment; resource names come from it, and that of a container app has 32 characters at most.')
param name string

@minLength(1)
@description('Region of everything but the Azure OpenAI accounts.')
param location string

@minLength(1)
@maxLength(16)
@description('Regions of the Azure OpenAI accounts, one account each. Quota is per region, so name different ones.')
param openAiLocations array = [
  'eastus'
  'northcentralus'
  'eastus2'
]

@minValue(1)
@description('Thousands of tokens per minute of each deployment, as OPENAI_CAPACITY says.')
param deploymentCapacity int = 30

@description('The models, each deployed in every account under its own name. `alias` is another name that clients may use.')
param models array = [
  {
    alias: 'chat'
    name: 'gpt-5.4-mini'
    version: '2026-03-17'
    sku: 'GlobalStandard'
  }
  {
    alias: 'embedding'
    name: 'text-embedding-3-large'
    version: '1'
    sku: 'GlobalStandard'
  }
]

@description('Image of Headroom. Empty until the hook has built it: then a placeholder is deployed.')
param image string = ''

@minValue(0)
@maxValue(300)
param minReplicas int = 1

@minValue(1)
@maxValue(300)
param maxReplicas int = 3

@allowed([
  'text'
  'json'
])
@description('text keeps the log line `Proxying to https://...`; json is what Log Analytics can query by field.')
param logFormat string = 'text'

@description('Address ranges (CIDR) that may call Headroom; empty lets everybody who knows the URL spend the quota.')
param allowedAddresses array = []

@description('false: only apps of the same Container Apps environment can call Headroom.')
param externalIngress bool = true

@description('true: apps of the same environment reach the admin pages at port 9090 of the app; one of the replicas answers.')
param adminWithinEnvironment bool = false

@description('More backends, with keys in a Key Vault: name (letters and digits), url, keySecretUri, optionally priority and deployments.')
param keyVaultBackends array = []

var tags = {
  'azd-env-name': name
}
var token = toLower(uniqueString(subscription().id, name, location))
var accountNames = [for index in range(0, length(openAiLocations)): 'openai${index + 1}-${token}']
var prefix = toLower(replace(name, '_', '-'))

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${name}-rg'
  location: location
  tags: tags
}

module platform 'modules/platform.bicep' = {
  name: 'platform'
  scope: group
  params: {
    prefix: prefix
    token: token
    location: location
    tags: tags
  }
}

module accounts 'modules/openai.bicep' = [
  for (region, index) in openAiLocations: {
    name: 'openai${index + 1}'
    scope: group
    params: {
      name: accountNames[index]
      location: region
      tags: tags
      models: models
      capacity: deploymentCapacity
    }
  }
]

module access 'modules/access.bicep' = {
  name: 'access'
  scope: group
  params: {
    identityName: platform.outputs.identityName
    registryName: platform.outputs.registryName
    accountNames: accountNames
  }
  dependsOn: [
    accounts
  ]
}

// name=url of each account, as modules/app.bicep takes them; the names are custom subdomains, hence the URLs. The v1 API has all
// that clients ask for (classic paths have no /responses at their stable version); Headroom translates the paths of old clients.
var endpoints = join(
  map(accountNames, account => '${split(account, '-')[0]}=https://${account}.openai.azure.com/openai/v1'),
  ','
)
var aliases = join(map(models, model => '${model.alias}=${model.name}'), ',')

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    prefix: prefix
    token: token
    location: location
    tags: tags
    image: image
    endpoints: endpoints
    aliases: aliases
    tokensPerMinute: deploymentCapacity * 1000
    minReplicas: minReplicas
    maxReplicas: maxReplicas
    logFormat: logFormat
    allowedAddresses: allowedAddresses
    externalIngress: externalIngress
    adminWithinEnvironment: adminWithinEnvironment
    keyVaultBackends: keyVaultBackends
  }
  dependsOn: [
    access
  ]
}

output CONTAINER_APP_URL string = app.outputs.url
output SERVICE_WEB_NAME string = app.outputs.name
output AZURE_REGISTRY_NAME string = platform.outputs.registryName
output RESOURCE_GROUP_NAME string = group.name
output AZURE_LOCATION string = location
