// The smallest deployment: small instances, of which none stays awake.
using '../main.bicep'

param environmentName = 'snapshot'
param location = 'swedencentral'
param clientId = '00000000-0000-4000-8000-000000000001'
param homeTenantId = '00000000-0000-4000-8000-000000000002'
param credential = 'secret'
param instanceMemoryMB = 512
param alwaysReadyHttpInstances = 0
param alwaysReadyMailInstances = 0
param storageRedundancy = 'Standard_LRS'
param coolAfterDays = 0
param budgetStart = '2026-01-01'
param thisMonth = '2026-01-01'
