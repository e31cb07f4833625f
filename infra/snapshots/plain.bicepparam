// A deployment in which nothing was chosen.
using '../main.bicep'

param environmentName = 'snapshot'
param location = 'swedencentral'
param clientId = '00000000-0000-4000-8000-000000000001'
param homeTenantId = '00000000-0000-4000-8000-000000000002'
param budgetStart = '2026-01-01'
param thisMonth = '2026-01-01'
