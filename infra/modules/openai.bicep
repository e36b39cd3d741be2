// One Azure OpenAI account with its deployments. Keys are off: Headroom comes with its identity.
param name string
param location string
param tags object

@description('name, version and sku of each model; the deployment is called like the model.')
param models array

@description('Thousands of tokens per minute of each deployment.')
param capacity int

resource account 'Microsoft.CognitiveServices/accounts@2026-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    // Tokens of an identity work only with a subdomain of one's own.
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

// One after the other: an account refuses a second change while one is under way.
@batchSize(1)
resource deployments 'Microsoft.CognitiveServices/accounts/deployments@2026-03-01' = [
  for model in models: {
    parent: account
    name: model.name
    sku: {
      name: model.sku
      capacity: capacity
    }
    properties: {
      model: {
        format: 'OpenAI'
        name: model.name
        version: model.version
      }
      versionUpgradeOption: 'OnceCurrentVersionExpired'
    }
  }
]
