// The vault for what cannot be done by identity: the keys of hashes, codes and tokens; passwords of IMAP servers.
// Its contents are no part of the deployment: a script makes the keys once, see docs/deployment.md.
param name string
// Closed unless the caller opens it: whoever comes in is an identity with a role in either case.
@allowed(['Enabled', 'Disabled'])
param publicAccess string = 'Disabled'
@allowed(['Allow', 'Deny'])
param defaultAction string = 'Deny'
param workspaceId string
param location string
param tags object

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: publicAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: defaultAction
    }
  }
}

// Who read which key, and when.
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}

output uri string = vault.properties.vaultUri
