# Runs one of the scripts beside this file on Windows, in the bash that Git for Windows brings. Its arguments go along.
param(
    [Parameter(Mandatory = $true)] [string] $Script,
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest
)
$ErrorActionPreference = 'Stop'
# The bash in System32 is WSL's: a machine of its own, in which neither az nor azd is signed in.
$places = @(
    (Get-Command bash -All -ErrorAction SilentlyContinue | ForEach-Object Source | Where-Object { $_ -notmatch 'System32|WindowsApps' }),
    "$env:ProgramFiles\Git\bin\bash.exe",
    "$env:LOCALAPPDATA\Programs\Git\bin\bash.exe"
) | ForEach-Object { $_ } | Where-Object { $_ -and (Test-Path $_) }
if (-not $places) {
    Write-Error 'There is no bash: install Git for Windows (winget install Git.Git), and open a new window.'
    exit 1
}
$bash = @($places)[0]
& $bash ((Join-Path $PSScriptRoot $Script) -replace '\\', '/') @Rest
exit $LASTEXITCODE
