// The container app. Deployed by main.bicep, and again by the postprovision hook when the image has been built.
// No resiliency policy belongs here: it would retry what Headroom has retried already (3 times N backends), and its response
// timeout would cut streams. The ingress in front of us retries connection failures on its own; that is enough.
param prefix string
param token string
param location string
param tags object

@description('Empty: a placeholder that only makes the URL known; it has no probes, since it answers none of ours.')
param image string

@description('name=url of each Azure OpenAI account, with commas between.')
param endpoints string

@description('name that clients use=name of the deployment, with commas between.')
param aliases string

param tokensPerMinute int
param minReplicas int
param maxReplicas int
param logFormat string
param allowedAddresses array
param externalIngress bool
param adminWithinEnvironment bool
param keyVaultBackends array

var port = 8080
var adminPort = 9090

// Streams end in peace: Headroom drains for drainSeconds after SIGTERM, the platform waits a little longer before SIGKILL.
var drainSeconds = 240
var graceSeconds = 270

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: '${prefix}-identity-${token}'
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: 'headroom${token}'
}

resource environment 'Microsoft.App/managedEnvironments@2025-07-01' existing = {
  name: '${prefix}-env-${token}'
}

// Equal priorities: every account carries load from the first request on.
var accountVariables = flatten(map(split(endpoints, ','), endpoint => [
  {
    name: 'BACKEND_${toUpper(split(endpoint, '=')[0])}_URL'
    value: split(endpoint, '=')[1]
  }
  {
    name: 'BACKEND_${toUpper(split(endpoint, '=')[0])}_PRIORITY'
    value: '1'
  }
  {
    name: 'BACKEND_${toUpper(split(endpoint, '=')[0])}_TPM'
    value: string(tokensPerMinute)
  }
  {
    name: 'BACKEND_${toUpper(split(endpoint, '=')[0])}_DEPLOYMENTS'
    value: aliases
  }
]))

// One that names deployments is asked for those only.
var keyVaultVariables = flatten(map(keyVaultBackends, backend => concat(
  [
    {
      name: 'BACKEND_${toUpper(backend.name)}_URL'
      value: backend.url
    }
    {
      name: 'BACKEND_${toUpper(backend.name)}_PRIORITY'
      value: string(backend.?priority ?? 1)
    }
    {
      name: 'BACKEND_${toUpper(backend.name)}_APIKEY'
      secretRef: 'key-${toLower(backend.name)}'
    }
  ],
  empty(backend.?deployments ?? '') ? [] : [
    {
      name: 'BACKEND_${toUpper(backend.name)}_DEPLOYMENTS'
      value: backend.?deployments
    }
    {
      name: 'BACKEND_${toUpper(backend.name)}_ONLY_LISTED_DEPLOYMENTS'
      value: 'true'
    }
  ]
)))

var probes = [
  {
    type: 'Startup'
    httpGet: {
      path: '/healthz'
      port: adminPort
    }
    periodSeconds: 3
    timeoutSeconds: 2
    failureThreshold: 10
  }
  {
    // Whether the program answers; a backend that is ill is no reason to start it again.
    type: 'Liveness'
    httpGet: {
      path: '/healthz'
      port: adminPort
    }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  }
  {
    // Whether requests can be served: addresses are resolved, the identity's token is there, no drain has begun.
    type: 'Readiness'
    httpGet: {
      path: '/readyz'
      port: adminPort
    }
    periodSeconds: 3
    timeoutSeconds: 3
    failureThreshold: 3
    successThreshold: 1
  }
]

resource app 'Microsoft.App/containerApps@2025-07-01' = {
  name: '${prefix}-app'
  location: location
  tags: union(tags, {
    'azd-service-name': 'web'
  })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: externalIngress
        targetPort: empty(image) ? 80 : port
        transport: 'http'
        allowInsecure: false
        // The ingress leads to its target port only, so nobody reaches the admin pages unless they are mapped.
        additionalPortMappings: adminWithinEnvironment
          ? [
              {
                external: false
                targetPort: adminPort
                exposedPort: adminPort
              }
            ]
          : []
        ipSecurityRestrictions: [
          for (address, index) in allowedAddresses: {
            name: 'allowed-${index + 1}'
            action: 'Allow'
            ipAddressRange: address
          }
        ]
      }
      registries: [
        {
          server: registry.properties.loginServer
          identity: identity.id
        }
      ]
      secrets: [
        for backend in keyVaultBackends: {
          name: 'key-${toLower(backend.name)}'
          keyVaultUrl: backend.keySecretUri
          identity: identity.id
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: graceSeconds
      containers: [
        {
          name: 'headroom'
          image: empty(image) ? 'mcr.microsoft.com/azuredocs/containerapps-helloworld:latest' : image
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          probes: empty(image) ? [] : probes
          env: concat(
            [
              {
                name: 'HEADROOM_LISTEN'
                value: '0.0.0.0:${port}'
              }
              {
                // The platform's probes come from outside the container; the ingress does not lead here.
                name: 'HEADROOM_ADMIN'
                value: '0.0.0.0:${adminPort}'
              }
              {
                name: 'HEADROOM_LOG_FORMAT'
                value: logFormat
              }
              {
                name: 'HEADROOM_TIMEOUTS_DRAIN'
                value: '${drainSeconds}s'
              }
              {
                name: 'HEADROOM_TIMEOUTS_GRACE'
                value: '${graceSeconds}s'
              }
              {
                // Not more patient than the ingress in front, which gives up after 240 s without a byte.
                name: 'HTTP_TIMEOUT_SECONDS'
                value: '230'
              }
              {
                name: 'AZURE_CLIENT_ID'
                value: identity.properties.clientId
              }
              {
                name: 'HEADROOM_MODELS'
                value: aliases
              }
            ],
            accountVariables,
            keyVaultVariables
          )
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            // A stream of minutes counts as a request all along, so the default of 10 would scale out at a trickle of load.
            name: 'streams'
            http: {
              metadata: {
                concurrentRequests: '500'
              }
            }
          }
          {
            name: 'processor'
            custom: {
              type: 'cpu'
              metadata: {
                type: 'Utilization'
                value: '70'
              }
            }
          }
        ]
      }
    }
  }
}

output name string = app.name
output url string = 'https://${app.properties.configuration.ingress.fqdn}'
