// A virtual network for the app, and private endpoints through which alone storage and vault are reached.
// What Graph and browsers call stays public: they come from the internet.
param abbreviations object
param token string
param appRange string
param endpointRange string
param storageName string
param vaultName string
param location string
param tags object

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

var ofTheApp = { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
var subnets = [
  { name: '${abbreviations.subnet}app', range: appRange, delegations: [ofTheApp] }
  { name: '${abbreviations.subnet}endpoints', range: endpointRange, delegations: [] }
]
var suffix = environment().suffixes.storage
var endpoints = [
  { name: 'blob', target: storage.id, zone: 'privatelink.blob.${suffix}' }
  { name: 'queue', target: storage.id, zone: 'privatelink.queue.${suffix}' }
  { name: 'table', target: storage.id, zone: 'privatelink.table.${suffix}' }
  // The vault's private zone has a name of its own in each cloud.
  { name: 'vault', target: vault.id, zone: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}' }
]

resource groups 'Microsoft.Network/networkSecurityGroups@2025-05-01' = [
  for subnet in subnets: {
    name: '${abbreviations.networkSecurityGroup}${subnet.name}-${token}'
    location: location
    tags: tags
  }
]

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: '${abbreviations.virtualNetwork}${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [appRange, endpointRange] }
    subnets: [
      for (subnet, number) in subnets: {
        name: subnet.name
        properties: {
          addressPrefix: subnet.range
          networkSecurityGroup: { id: groups[number].id }
          privateEndpointNetworkPolicies: 'Enabled'
          delegations: subnet.delegations
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for endpoint in endpoints: {
    name: endpoint.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (endpoint, number) in endpoints: {
    parent: zones[number]
    name: network.name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for endpoint in endpoints: {
    name: '${abbreviations.privateEndpoint}${endpoint.name}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network.properties.subnets[1].id }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: { privateLinkServiceId: endpoint.target, groupIds: [endpoint.name] }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (endpoint, number) in endpoints: {
    parent: privateEndpoints[number]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: endpoint.name, properties: { privateDnsZoneId: zones[number].id } }
      ]
    }
  }
]

output appSubnetId string = network.properties.subnets[0].id
