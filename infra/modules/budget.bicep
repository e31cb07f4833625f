// Tells by mail when the resource group has cost most of what it may in a month, or is about to.
param name string
param amount int
param start string
param emails array
// Azure wants somebody to tell, be it a group without members.
param peopleId string

resource group 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      most: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactGroups: [peopleId]
        contactRoles: ['Owner']
      }
      all: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactGroups: [peopleId]
        contactRoles: ['Owner']
      }
    }
  }
}
