#!/usr/bin/env bash
# Generates clients of the API with Kiota and NSwag, and compiles what they made: a warning of a compiler fails.
#
#   generators.sh OPENAPI_JSON [FOLDER]
#
# Needs .NET 8 or newer, Node.js 20, Python 3.11 and the package indexes: the job `clients` of checks.yml runs it.
set -euo pipefail

KIOTA=1.38.0
KIOTA_CSHARP=2.1.6
KIOTA_TYPESCRIPT=1.0.0-preview.109
KIOTA_PYTHON=1.16.0
NSWAG=14.7.1
NEWTONSOFT=13.0.4
TYPESCRIPT=5.9.3

if [ $# -eq 0 ] || [ "$1" = --help ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 1
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
document=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=${2:-$(mktemp -d)}
mkdir -p "$folder"
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 KIOTA_TUTORIAL_ENABLED=false
framework=net$(dotnet --version | cut -d. -f1).0

dotnet tool install --tool-path tools Microsoft.OpenApi.Kiota --version "$KIOTA"
dotnet tool install --tool-path tools NSwag.ConsoleCore --version "$NSWAG"

kiota() {
  tools/kiota generate --openapi "$document" --language "$1" --output "$2" --class-name PostledgerClient \
    --namespace-name "$3" --exclude-backward-compatible --log-level Warning --clean-output
}

# A library project around generated code. Generated code has no comments on everything, and that is all we forgive.
project() {
  printf '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>%s</TargetFramework>' "$framework"
  printf '<Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>'
  printf '<TreatWarningsAsErrors>true</TreatWarningsAsErrors><NoWarn>CS1591;CS0618</NoWarn></PropertyGroup><ItemGroup>'
  printf '<PackageReference Include="%s" Version="%s"/>' "$@"
  printf '</ItemGroup></Project>\n'
}

echo "== Kiota, C#"
kiota CSharp kiota-csharp/Generated Postledger
cp "$here/Using.cs" kiota-csharp/
packages=()
for part in Abstractions Http.HttpClientLibrary Serialization.Form Serialization.Json Serialization.Multipart Serialization.Text; do
  packages+=("Microsoft.Kiota.$part" "$KIOTA_CSHARP")
done
project "${packages[@]}" >kiota-csharp/client.csproj
dotnet build kiota-csharp

echo "== NSwag, C#"
mkdir -p nswag-csharp
tools/nswag openapi2csclient /input:"$document" /output:nswag-csharp/Client.cs /namespace:Postledger \
  /className:PostledgerClient /generateNullableReferenceTypes:true /generateOptionalParameters:true
project Newtonsoft.Json "$NEWTONSOFT" >nswag-csharp/client.csproj
dotnet build nswag-csharp

compile_typescript() {
  npm --prefix "$1" install --no-audit --no-fund --save-exact "typescript@$TYPESCRIPT" "@types/node@20.19.0" "${@:2}"
  "$1/node_modules/.bin/tsc" --noEmit --strict --target es2022 --module nodenext --moduleResolution nodenext \
    --lib es2022,dom,dom.iterable --skipLibCheck "$1"/*.ts
}

echo "== Kiota, TypeScript"
kiota TypeScript kiota-typescript postledger
printf '{"private": true, "type": "module"}\n' >kiota-typescript/package.json
compile_typescript kiota-typescript "@microsoft/kiota-bundle@$KIOTA_TYPESCRIPT"

echo "== NSwag, TypeScript"
mkdir -p nswag-typescript
tools/nswag openapi2tsclient /input:"$document" /output:nswag-typescript/client.ts /className:PostledgerClient \
  /template:Fetch /typeScriptVersion:5.0
printf '{"private": true, "type": "module"}\n' >nswag-typescript/package.json
compile_typescript nswag-typescript

echo "== Kiota, Python"
kiota Python kiota-python/postledger postledger
python3 -m venv python
python/bin/python -m pip --disable-pip-version-check --quiet install "microsoft-kiota-bundle==$KIOTA_PYTHON"
python/bin/python -m compileall -q kiota-python
(cd kiota-python && ../python/bin/python -c 'from postledger.postledger_client import PostledgerClient')
echo "== every client was generated and compiled"
