#!/usr/bin/env bash
# Compiles the templates with the Bicep compiler and foresees three deployments; any line that the compiler says fails.
#
#   compile.sh [FOLDER]
#   compile.sh --recent
#
# --recent: says which API versions have newer ones, by the rule that is off in every other run; snapshots are left.
#
# FOLDER receives the snapshots that were made (default: none are kept). A snapshot that is kept beside its parameters
# (infra/snapshots/*.snapshot.json) must be what the templates give today; the first is written by a person:
#   bicep snapshot infra/snapshots/plain.bicepparam
# Needs the compiler of this version, on the PATH as `bicep` or where the Azure CLI keeps it:
#   az bicep install --version v0.49.2

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=0.49.2
[ "${1:-}" != --help ] || usage
folder=${1:-}
infra=$(dirname "$HERE")
if [ "$folder" = --recent ]; then
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  cp -R "$infra" "$copy/"
  infra=$copy/infra
  sed -i.before 's/\("use-recent-api-versions": { "level": \)"off"/\1"error"/' "$infra/bicepconfig.json"
  if cmp -s "$infra/bicepconfig.json" "$infra/bicepconfig.json.before"; then
    fail "infra/bicepconfig.json has no rule use-recent-api-versions that is off."
  fi
  rm -f "$infra"/snapshots/*.bicepparam
fi
# The Azure CLI would say at each call that there is a newer one.
export AZURE_BICEP_CHECK_VERSION=false
PATH="$PATH:${HOME:-}/.azure/bin"
need bicep
bicep --version | grep -qF "$VERSION" || fail "the compiler is $(bicep --version); wanted is $VERSION."

problems=0
# Runs the compiler; whatever it says, on either output, is a problem.
quiet() {
  local said
  said=$("$@" 2>&1) && [ -z "$said" ] && return
  printf '%s\n%s\n' "$*" "$said"
  problems=$((problems + 1))
}

quiet bicep build "$infra/main.bicep" --outfile /dev/null
for module in "$infra"/modules/*.bicep; do
  quiet bicep build "$module" --outfile /dev/null
done
for parameters in "$infra"/snapshots/*.bicepparam; do
  [ -e "$parameters" ] || continue
  snapshot=${parameters%.bicepparam}.snapshot.json
  if [ -f "$snapshot" ]; then
    quiet bicep snapshot "$parameters" --mode validate
    continue
  fi
  say "no snapshot yet: ${snapshot#"$infra"/}"
  bicep snapshot "$parameters" --mode overwrite
  [ -z "$folder" ] || { mkdir -p "$folder" && cp "$snapshot" "$folder/"; }
  rm -f "$snapshot"
done
[ "$problems" = 0 ] || fail "$problems problem(s) in the templates."
say "the compiler has nothing to say"
