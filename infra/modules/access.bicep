// What the identity may do, and nothing else: pull from this registry, and call (not manage) these accounts.
param identityName string
param registryName string
param accountNames array

// Built-in roles, the same GUIDs in every tenant.
var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var cognitiveServicesOpenAiUser = '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource accounts 'Microsoft.CognitiveServices/accounts@2026-03-01' existing = [
  for accountName in accountNames: {
    name: accountName
  }
]

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, identity.id, acrPull)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource calls 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (accountName, index) in accountNames: {
    name: guid(accounts[index].id, identity.id, cognitiveServicesOpenAiUser)
    scope: accounts[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cognitiveServicesOpenAiUser)
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
    }
  }
]
