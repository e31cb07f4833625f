#!/usr/bin/env bash
# Makes the files of a release from a tagged commit: release.yml runs it, and a person may, to compare hashes.
#
#   make-release.sh v1.4.0 [FOLDER]
#
# FOLDER (default: dist) receives the package, its bill of materials and licences, the compiled template, the API's
# description and SHA256SUMS. notes.txt in the present folder receives what CHANGELOG.md says of the version. The package
# is built twice, in two folders, and must come out the same. Wants `make setup`, and the Bicep compiler for the template.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tag=${1:-} folder=${2:-dist}
case $tag in
  v[0-9]*) ;;
  *) usage ;;
esac
version=${tag#v}
root=$(dirname "$(dirname "$HERE")")
notes=$PWD/notes.txt
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$root"
[ "$(version_of "$root")" = "$version" ] || fail "the tag $tag is on a commit of version $(version_of "$root")."
awk -v head="## [$version]" 'index($0, "## [") == 1 { on = index($0, head) == 1; next } on' CHANGELOG.md >"$notes"
grep -q '[^[:space:]]' "$notes" || fail "CHANGELOG.md says nothing of $version."
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
.venv/bin/python -m dev.package --into "$folder"
git clone --quiet --no-local "$root" "$again/checkout"
git -C "$again/checkout" checkout --quiet --detach "$(git rev-parse HEAD)"
(cd "$again/checkout" && "$root/.venv/bin/python" -m dev.package --into "$again/dist" >/dev/null)
for file in "$again"/dist/*; do
  cmp --silent "$file" "$folder/${file##*/}" || fail "two builds of ${file##*/} differ."
done
.venv/bin/python -m dev.description "$folder/openapi.json"
PATH="$PATH:${HOME:-}/.azure/bin"
need bicep
bicep build infra/main.bicep --outfile "$folder/main.json"
(cd "$folder" && rm -f SHA256SUMS && sha256sum -- * >"$again/sums" && mv "$again/sums" SHA256SUMS)
say "$tag: $(wc -l <"$folder/SHA256SUMS" | tr -d ' ') files, the package twice with the same bytes"
