// A deployment in which everything was chosen: network, zones, certificate, budget, alerts.
using '../main.bicep'

param environmentName = 'snapshot'
param location = 'swedencentral'
param clientId = '00000000-0000-4000-8000-000000000001'
param homeTenantId = '00000000-0000-4000-8000-000000000002'
param credential = 'certificate'
param vnetEnabled = true
param zoneRedundant = true
param storageRedundancy = 'Standard_GZRS'
param instanceMemoryMB = 2048
param perInstanceConcurrency = 16
param updateStrategy = 'RollingUpdate'
param deleteAfterDays = 3650
param storageLogs = true
param alertEmails = 'operations@contoso.example, on-call@contoso.example'
param budgetAmount = 100
param budgetStart = '2026-01-01'
param thisMonth = '2026-01-01'
param tags = { costCenter: 'crm' }
