// Who is told of what, and the pictures. Both read the structured events that the app logs; docs/operations.md
// explains every alert. Queries are files of their own: infra/queries.
param abbreviations object
param token string
param workspaceId string
param emails array
param instanceMemoryMB int
param location string
param tags object

var rules = [
  {
    name: 'poison'
    title: 'A command came to a poison queue'
    query: loadTextContent('../queries/alerts/poison.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'lag'
    title: 'A mailbox lags behind'
    query: loadTextContent('../queries/alerts/lag.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'subscriptions'
    title: 'Subscriptions fail'
    query: loadTextContent('../queries/alerts/subscriptions.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'webhook'
    title: 'Graph\'s notifications are answered too slowly'
    query: loadTextContent('../queries/alerts/webhook.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'throttling'
    title: 'Microsoft Graph throttles'
    query: loadTextContent('../queries/alerts/throttling.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'expiry'
    title: 'A secret or certificate expires soon'
    query: loadTextContent('../queries/alerts/expiry.kql')
    severity: 1
    every: 'P1D'
    window: 'P1D'
  }
  {
    name: 'silence'
    title: 'The app has gone silent'
    query: loadTextContent('../queries/alerts/silence.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'tick'
    title: 'The tick does not come'
    query: loadTextContent('../queries/alerts/tick.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'waiting'
    title: 'Commands or mails wait, and nobody takes them'
    query: loadTextContent('../queries/alerts/waiting.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'refusals'
    title: 'Many requests or notifications are refused'
    query: loadTextContent('../queries/alerts/refusals.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'attention'
    title: 'Something waits for a person'
    query: loadTextContent('../queries/alerts/attention.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT15M'
  }
]

var panels = [
  { name: 'mails', title: 'Mails per hour, by outcome', query: loadTextContent('../queries/workbook/mails.kql'), shown: 'barchart' }
  { name: 'delay', title: 'Seconds from receipt to timeline', query: loadTextContent('../queries/workbook/delay.kql'), shown: 'linechart' }
  { name: 'lag', title: 'Lag of each mailbox, seconds since its last complete walk', query: loadTextContent('../queries/workbook/lag.kql'), shown: 'table' }
  { name: 'webhooks', title: 'Graph\'s notifications: requests, milliseconds', query: loadTextContent('../queries/workbook/webhooks.kql'), shown: 'linechart' }
  { name: 'graph', title: 'Calls to Microsoft Graph', query: loadTextContent('../queries/workbook/graph.kql'), shown: 'linechart' }
  { name: 'storage', title: 'Storage transactions, the host\'s own polling included', query: loadTextContent('../queries/workbook/storage.kql'), shown: 'barchart' }
  { name: 'tick', title: 'The tick: times an hour, longest gap in minutes, runs by others', query: loadTextContent('../queries/workbook/tick.kql'), shown: 'table' }
  { name: 'waiting', title: 'Age of the oldest command and the oldest row of a worklist, seconds', query: loadTextContent('../queries/workbook/waiting.kql'), shown: 'linechart' }
  { name: 'commands', title: 'Commands by kind', query: loadTextContent('../queries/workbook/commands.kql'), shown: 'table' }
  { name: 'errors', title: 'Errors and warnings', query: loadTextContent('../queries/workbook/errors.kql'), shown: 'table' }
  { name: 'cost', title: 'Cost of the time shown, and per 1,000 mails', query: loadTextContent('../queries/workbook/cost.kql'), shown: 'table' }
]

var gigabytes = { '512': '0.5', '2048': '2', '4096': '4' }
// US dollars, pay as you go; change them in the workbook to those of your region and contract.
var prices = [
  { name: 'GBSecond', label: 'GB-s', value: '0.000026' }
  { name: 'ReadyGBSecond', label: 'GB-s always ready', value: '0.000004' }
  { name: 'ReadyExecutionGBSecond', label: 'GB-s of work there', value: '0.000016' }
  { name: 'MillionExecutions', label: 'Million executions', value: '0.40' }
  { name: 'TenThousandTransactions', label: '10,000 storage transactions', value: '0.004' }
  { name: 'LogGigabyte', label: 'GB of logs', value: '2.76' }
  { name: 'Memory', label: 'GB of one instance', value: gigabytes[string(instanceMemoryMB)] }
]

var timeRange = {
  id: guid(token, 'range')
  version: 'KqlParameterItem/1.0'
  name: 'range'
  label: 'Time'
  type: 4
  isRequired: true
  value: { durationMs: 86400000 }
  typeSettings: {
    selectableValues: [{ durationMs: 14400000 }, { durationMs: 86400000 }, { durationMs: 604800000 }, { durationMs: 2592000000 }]
  }
}
var priceFields = [
  for price in prices: {
    id: guid(token, price.name)
    version: 'KqlParameterItem/1.0'
    name: price.name
    label: price.label
    type: 1
    isRequired: true
    value: price.value
  }
]
var charts = [
  for panel in panels: {
    type: 3
    name: panel.name
    content: {
      version: 'KqlItem/1.0'
      title: panel.title
      query: panel.query
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContextFromParameter: 'range'
      visualization: panel.shown
    }
  }
]
var fields = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    parameters: concat([timeRange], priceFields)
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${abbreviations.actionGroup}${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'postledger'
    emailReceivers: [
      for (address, number) in emails: {
        name: 'mail-${number}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: '${abbreviations.alertRule}${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Postledger: ${rule.title}'
      description: 'What to do: docs/operations.md, "Alerts", ${rule.name}.'
      enabled: true
      severity: rule.severity
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      // A daily rule cannot take back what it said.
      autoMitigate: rule.every != 'P1D'
      // The tables of a new workspace appear with their first row.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [people.id] }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'postledger')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Postledger'
    category: 'workbook'
    version: '1.0'
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([fields], charts)
      fallbackResourceIds: [workspaceId]
    })
  }
}

output peopleId string = people.id
output workbookId string = workbook.id
