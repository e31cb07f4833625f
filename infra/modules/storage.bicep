// The storage account with every table, queue, poison queue and container of the app. No shared keys.
param name string
param redundancy string = 'Standard_GZRS'
// Closed unless the caller opens it: whoever comes in is an identity with a role in either case.
@allowed(['Enabled', 'Disabled'])
param publicAccess string = 'Disabled'
@allowed(['Allow', 'Deny'])
param defaultAction string = 'Deny'
param coolAfterDays int
param deleteAfterDays int
param workspaceId string
// Of blobs and tables only, which hold the mail: queues hold ids, and the host asks them all day.
param logRequests bool = false
param location string
param tags object

// Made from the code's own list: `python -m dev.infra_names`. A test compares the two.
var names = loadJsonContent('../names.json')
var deployments = 'deployments'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: defaultAction
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    // What the app erases is to be gone.
    deleteRetentionPolicy: { enabled: false }
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for container in concat(names.containers, [deployments]): {
    parent: blobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in names.queues: {
    parent: queueService
    name: queue
  }
]

resource poisonQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in names.queues: {
    parent: queueService
    name: '${queue}${names.poisonSuffix}'
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for table in names.tables: {
    parent: tableService
    name: table
  }
]

var mailBlobs = { blobTypes: ['blockBlob'], prefixMatch: names.mailContainers }
var coolRule = {
  name: 'cool'
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: mailBlobs
    actions: { baseBlob: { tierToCool: { daysAfterModificationGreaterThan: coolAfterDays } } }
  }
}
var deleteRule = {
  name: 'delete'
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: mailBlobs
    actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: deleteAfterDays } } }
  }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (coolAfterDays + deleteAfterDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: concat(coolAfterDays > 0 ? [coolRule] : [], deleteAfterDays > 0 ? [deleteRule] : [])
    }
  }
  dependsOn: [blobs]
}

// Who read, wrote or deleted what, and when: identity, address, and the keys of the row or blob.
var categories = logRequests ? ['StorageRead', 'StorageWrite', 'StorageDelete'] : []
var requests = [for category in categories: {
  category: category
  enabled: true
}]

resource blobMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: requests
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource queueMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: queueService
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource tableMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: tableService
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: requests
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}
