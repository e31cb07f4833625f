// Everything Postledger runs on in Azure: one resource group, deployed by `azd up` or `azd provision`.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment. It is part of the resource group\'s name and of every unique name.')
param environmentName string

@minLength(1)
@description('Azure region of everything.')
param location string

// Without a default `azd up` would ask for it, since it asks before the hook that makes the registration.
@maxLength(36)
@description('Application (client) id of the app registration, which a script makes before this is deployed.')
param clientId string = ''

@description('Tenant that the deployment lives in. Only its applications may act for other organisations.')
param homeTenantId string = tenant().tenantId

@allowed(['identity', 'certificate', 'secret'])
@description('How the app proves itself at Entra ID: with its managed identity, or with what lies in the vault.')
param credential string = 'identity'

@description('Address at which Graph and browsers reach the app, where it has a domain of its own; without a path.')
param publicUrl string = ''

@description('Audience of the API\'s tokens, where it is neither the client id nor api:// and the client id.')
param apiAudience string = ''

@description('Microsoft Graph of the cloud that the mailboxes are in.')
param graphUrl string = 'https://graph.microsoft.com'

@description('Web origins whose pages may call the API, separated by commas.')
param corsOrigins string = ''

@description('Networks within which customers may name mail servers, separated by commas, such as 10.0.0.0/8.')
param privateNetworks string = ''

@allowed(['direct', 'sdk'])
@description('What carries out the frequent calls to storage: the client of our own, or Azure\'s packages.')
param storageCalls string = 'direct'

@allowed(['Recreate', 'RollingUpdate'])
@description('How an update replaces instances: all at once, or in batches with two versions side by side.')
param updateStrategy string = 'Recreate'

@allowed([512, 2048, 4096])
@description('Memory of one instance, MB. It sets the price of a second.')
param instanceMemoryMB int = 512

@minValue(40)
@maxValue(1000)
@description('Most instances per group of functions: the ceiling of what a flood can cost.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances for HTTP that never sleep. With one, notifications are lost while Azure replaces it.')
param alwaysReadyHttpInstances int = 2

@minValue(0)
@maxValue(20)
@description('Instances for the queue mail that never sleep. With none, new mail waits for a cold start.')
param alwaysReadyMailInstances int = 1

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance takes at a time. Python apps get 1 unless told.')
param perInstanceConcurrency int = 8

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
@description('How often the storage account keeps everything, and where.')
param storageRedundancy string = 'Standard_ZRS'

@minValue(0)
@description('Days after which bodies and attachments move to cheaper, cooler storage; 0 for never.')
param coolAfterDays int = 90

@minValue(0)
@description('Days after which bodies and attachments are deleted whatever the app says; 0 for never.')
param deleteAfterDays int = 0

@description('Log every request for blobs and tables: by whom, from where, for which row. About a kilobyte each.')
param storageLogs bool = false

@description('Put storage and vault behind private endpoints in a virtual network that the app joins.')
param vnetEnabled bool = false

@description('Address range of the app\'s subnet; a /26 carries 40 instances.')
param vnetAppRange string = '10.90.0.0/26'

@description('Address range of the private endpoints\' subnet.')
param vnetEndpointRange string = '10.90.0.64/26'

@description('Spread instances over availability zones; each kind then gets two that never sleep.')
param zoneRedundant bool = false

@minValue(30)
@maxValue(730)
@description('Days for which logs are kept.')
param logRetentionDays int = 30

@description('Addresses that hear of alerts, separated by commas; without any, alerts show in the portal only.')
param alertEmails string = ''

@minValue(0)
@description('Monthly budget in the subscription\'s currency, with a mail at 80 and 100 %; 0 for none.')
param budgetAmount int = 0

@description('First day of the budget: the first of a month. Azure never lets it change, so the deployment remembers it.')
param budgetStart string = ''

@description('The month in which this is deployed: the first day of a budget that was told none.')
param thisMonth string = utcNow('yyyy-MM-01')

@description('Further tags on everything.')
param tags object = {}

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
// Known before anything is deployed: a preview leaves out whatever is named after a module's output.
var names = {
  resourceGroup: '${abbreviations.resourceGroup}${environmentName}'
  identity: '${abbreviations.identity}${token}'
  workspace: '${abbreviations.workspace}${token}'
  insights: '${abbreviations.applicationInsights}${token}'
  storage: '${abbreviations.storageAccount}${token}'
  vault: '${abbreviations.keyVault}${token}'
  plan: '${abbreviations.plan}${token}'
  app: '${abbreviations.functionApp}${token}'
  budget: '${abbreviations.budget}${environmentName}'
}
var allTags = union(tags, { 'azd-env-name': environmentName })
var mails = empty(alertEmails) ? [] : split(replace(alertEmails, ' ', ''), ',')

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.resourceGroup
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: names.identity
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    retentionDays: logRetentionDays
    location: location
    tags: allTags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: names.storage
    redundancy: storageRedundancy
    publicAccess: vnetEnabled ? 'Disabled' : 'Enabled'
    defaultAction: vnetEnabled ? 'Deny' : 'Allow'
    coolAfterDays: coolAfterDays
    deleteAfterDays: deleteAfterDays
    logRequests: storageLogs
    workspaceId: monitoring.outputs.workspaceId
    location: location
    tags: allTags
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: names.vault
    publicAccess: vnetEnabled ? 'Disabled' : 'Enabled'
    defaultAction: vnetEnabled ? 'Deny' : 'Allow'
    workspaceId: monitoring.outputs.workspaceId
    location: location
    tags: allTags
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    identityName: names.identity
    storageName: names.storage
    vaultName: names.vault
    insightsName: names.insights
  }
  // A name alone does not make roles wait for what it names.
  dependsOn: [identity, monitoring, storage, vault]
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    abbreviations: abbreviations
    token: token
    appRange: vnetAppRange
    endpointRange: vnetEndpointRange
    storageName: names.storage
    vaultName: names.vault
    location: location
    tags: allTags
  }
  dependsOn: [storage, vault]
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: names.app
    planName: names.plan
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: names.storage
    vaultUri: vault.outputs.uri
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    workspaceId: monitoring.outputs.workspaceId
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttpInstances: zoneRedundant ? max(alwaysReadyHttpInstances, 2) : alwaysReadyHttpInstances
    alwaysReadyMailInstances: zoneRedundant ? max(alwaysReadyMailInstances, 2) : alwaysReadyMailInstances
    zoneRedundant: zoneRedundant
    perInstanceConcurrency: perInstanceConcurrency
    clientId: clientId
    homeTenantId: homeTenantId
    credential: credential
    publicUrl: publicUrl
    graphUrl: graphUrl
    apiAudience: apiAudience
    corsOrigins: corsOrigins
    privateNetworks: privateNetworks
    storageCalls: storageCalls
    updateStrategy: updateStrategy
    location: location
    tags: allTags
  }
  dependsOn: [roles]
}

module watch 'modules/watch.bicep' = {
  name: 'watch'
  scope: group
  params: {
    abbreviations: abbreviations
    token: token
    workspaceId: monitoring.outputs.workspaceId
    emails: mails
    instanceMemoryMB: instanceMemoryMB
    location: location
    tags: allTags
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0) {
  name: 'budget'
  scope: group
  params: {
    name: names.budget
    amount: budgetAmount
    start: empty(budgetStart) ? thisMonth : budgetStart
    emails: mails
    peopleId: watch.outputs.peopleId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_API_NAME string = names.app
output POSTLEDGER_URL string = app.outputs.publicUrl
output POSTLEDGER_API_URL string = '${app.outputs.publicUrl}/api/v1'
output POSTLEDGER_REDIRECT_URI string = '${app.outputs.publicUrl}/api/v1/connect/callback'
output POSTLEDGER_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output POSTLEDGER_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output POSTLEDGER_STORAGE_NAME string = names.storage
output POSTLEDGER_VAULT_NAME string = names.vault
output POSTLEDGER_WORKBOOK_ID string = watch.outputs.workbookId
