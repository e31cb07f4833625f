// The Functions app on Flex Consumption, opened and configured by identity.
param name string
param planName string
param identityId string
param identityClientId string
param storageName string
param vaultUri string
param insightsConnectionString string
param workspaceId string
param subnetId string
param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReadyHttpInstances int
param alwaysReadyMailInstances int
param perInstanceConcurrency int
param zoneRedundant bool
param clientId string
param homeTenantId string
param credential string
param publicUrl string
param graphUrl string
param apiAudience string
param corsOrigins string
param privateNetworks string
param storageCalls string
param updateStrategy string
param location string
param tags object

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

// All HTTP functions are one group, and every other function is one of its own.
var alwaysReady = [
  { name: 'http', instanceCount: alwaysReadyHttpInstances }
  { name: 'function:mail', instanceCount: alwaysReadyMailInstances }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}deployments'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: '3.12' }
      // Azure takes it in this version; its published type does not have it yet.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: updateStrategy }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: filter(alwaysReady, group => group.instanceCount > 0)
        triggers: { http: { perInstanceConcurrency: perInstanceConcurrency } }
      }
    }
  }
}

// Deployment is by Entra ID; neither FTP nor the site's own password opens anything.
resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource sitePassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

var secrets = '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/'
var address = empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl

// A test holds these names together with shared/config.py and the functions' bindings.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // As many threads as one instance runs queue commands and requests side by side.
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
    POSTLEDGER_CLIENT_ID: clientId
    POSTLEDGER_HOME_TENANT_ID: homeTenantId
    // Exactly one of these three has a value; the app takes an empty one for none.
    POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID: credential == 'identity' ? identityClientId : ''
    POSTLEDGER_CERTIFICATE: credential == 'certificate' ? '${secrets}app-certificate)' : ''
    POSTLEDGER_CLIENT_SECRET: credential == 'secret' ? '${secrets}app-secret)' : ''
    POSTLEDGER_CLIENT_SECRET_EXPIRES: credential == 'secret' ? '${secrets}app-secret-expires)' : ''
    POSTLEDGER_HASH_KEY: '${secrets}hash-key)'
    POSTLEDGER_CODE_KEYS: '${secrets}code-keys)'
    POSTLEDGER_TOKEN_KEYS: '${secrets}token-keys)'
    POSTLEDGER_PUBLIC_URL: address
    POSTLEDGER_GRAPH_URL: graphUrl
    POSTLEDGER_AUTHORITY_URL: environment().authentication.loginEndpoint
    POSTLEDGER_API_AUDIENCE: apiAudience
    POSTLEDGER_CORS_ORIGINS: corsOrigins
    POSTLEDGER_PRIVATE_NETWORKS: privateNetworks
    POSTLEDGER_STORAGE: storageCalls
  }
}

resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output publicUrl string = address
