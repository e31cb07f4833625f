// node kusto.js PARSER FILE...: prints what Microsoft's Kusto parser finds wrong with each query, one line each.
// It knows the columns that the queries use of Azure Monitor's tables (Microsoft Learn, "Azure Monitor Logs reference").
const fs = require("fs");
const path = require("path");

const [parser, ...files] = process.argv.slice(2);
require(path.join(parser, "bridge.js"));
require(path.join(parser, "Kusto.Language.Bridge.js"));
const { GlobalState, KustoCode, Symbols } = Kusto.Language;

const TABLES = {
  AppTraces: "TimeGenerated:datetime, Message:string, SeverityLevel:int, ItemCount:int",
  AppRequests:
    "TimeGenerated:datetime, Name:string, Success:bool, ResultCode:string, DurationMs:real, ItemCount:int",
  AppExceptions: "TimeGenerated:datetime, OperationName:string, ExceptionType:string, ItemCount:int",
  AzureMetrics: "TimeGenerated:datetime, MetricName:string, ResourceId:string, Total:real",
  AzureDiagnostics: "TimeGenerated:datetime, ResourceProvider:string, OperationName:string, Resource:string",
  Usage: "TimeGenerated:datetime, IsBillable:bool, Quantity:real",
};
const tables = Object.entries(TABLES).map(([name, columns]) =>
  Symbols.TableSymbol.From(`(${columns})`).WithName(name),
);
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", tables));

for (const file of files) {
  const found = KustoCode.ParseAndAnalyze(fs.readFileSync(file, "utf8"), globals).GetDiagnostics();
  for (let number = 0; number < found.Count; number += 1) {
    const { Severity, Message, Start } = found.getItem(number);
    console.log(`${file}: ${Severity} at ${Start}: ${Message}`);
  }
}
