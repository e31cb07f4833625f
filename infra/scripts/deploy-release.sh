#!/usr/bin/env bash
# Deploys a release by its name, tries it, and goes back to the release before by itself where the trial fails.
#
#   deploy-release.sh RELEASE [--repository OWNER/NAME] [--no-provision]
#
#   RELEASE         its tag, such as v1.4.0
#   --repository    where the release is from; default: the one that this checkout was cloned from
#   --no-provision  change the code only, not the resources
#
# Run it in a checkout of that release, signed in with azd, az and gh. Nothing is deployed whose attestation does not
# say that this repository's release.yml built it from that tag. The trial: the version, the age of the last tick, and
# one command through the queue and back. Resources are not taken back, since they serve the release before, too.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

release='' repository=${GITHUB_REPOSITORY:-} provision=1
while [ $# -gt 0 ]; do
  case $1 in
    --repository) repository=$(value_of "$@"); shift 2 ;;
    --no-provision) provision=''; shift ;;
    --help | -h) usage ;;
    -*) fail "unknown option $1; --help lists them." ;;
    *) release=$1; shift ;;
  esac
done
[[ $release =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "name a release, such as v1.4.0."
for tool in azd az gh curl git; do need "$tool"; done
root=$(dirname "$(dirname "$HERE")")
cd "$root"
[ "$(version_of "$root")" = "${release#v}" ] ||
  fail "this checkout is version $(version_of "$root"): git checkout $release, so that resources and code are of one release."
[ -n "$repository" ] || repository=$(gh repo view --json nameWithOwner --jq .nameWithOwner)
dist=$root/dist
mkdir -p "$dist"

package_of() { printf '%s/postledger-%s.zip' "$dist" "${1#v}"; }

# Fetches a release's package, and fails unless this repository's own workflow built it from that tag.
fetch() {
  gh release download "$1" --repo "$repository" --pattern "postledger-${1#v}.zip" --dir "$dist" --clobber >&2 &&
    gh attestation verify "$(package_of "$1")" --repo "$repository" --source-ref "refs/tags/$1" \
      --signer-workflow "$repository/.github/workflows/release.yml" --deny-self-hosted-runners >&2
}

take_values() {
  local values
  values=$(azd env get-values) || fail "there is no azd environment: azd env new NAME"
  set -a
  eval "$values"
  set +a
}

running_version() {
  [ -n "${POSTLEDGER_API_URL:-}" ] || return 0
  { curl --silent --fail "$POSTLEDGER_API_URL/openapi.json" || true; } |
    sed 's/.*"info"//' | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' | head -1
}

# A pipeline's identity has the role Operator itself; a person lets an application have it.
operator_token() {
  if [ "$(az account show --query user.type --output tsv)" = servicePrincipal ]; then
    az account get-access-token --scope "api://$POSTLEDGER_CLIENT_ID/.default" --query accessToken --output tsv
  else
    "$HERE/operator-token.sh" --client-id "$POSTLEDGER_CLIENT_ID"
  fi
}

# azd runs check-deployment.sh too; without a token, since it would go to every hook's environment.
deploy() { POSTLEDGER_RELEASE=$1 azd deploy api --from-package "$(package_of "$1")" --no-prompt >&2; }

try() {
  local commit token
  commit=$(git rev-parse --quiet --verify --short=12 "refs/tags/$1^{commit}" || true)
  token=$(operator_token) || fail "there is no token of the operator, and so no trial; see docs/deployment.md, \"Releases\"."
  POSTLEDGER_OPERATOR_TOKEN=$token "$HERE/check-deployment.sh" --version "${1#v}" ${commit:+--commit "$commit"}
}

fetch "$release" || fail "$release is not a release that $repository has built and attested: nothing was deployed."
take_values
before=$(running_version)
before=${before:+v$before}
if [ -n "$before" ] && [ "$before" != "$release" ] && fetch "$before"; then
  say "$before runs now, and is at hand if $release fails"
else
  before=''
  say "there is no other release that runs now: nothing to go back to"
fi
if [ -n "$provision" ]; then
  # The first time azd asks for subscription and region, where there is somebody to ask.
  prompt=--no-prompt
  [ ! -t 0 ] || prompt=''
  azd provision ${prompt:+"$prompt"} >&2
  take_values
fi
# The trial of the new release needs it, and nobody finds out after the deployment that there is none.
operator_token >/dev/null || fail "there is no token of the operator; see docs/deployment.md, \"Releases\"."
if deploy "$release" && (try "$release"); then
  say "$release is deployed"
  exit 0
fi
[ -n "$before" ] || fail "$release failed its trial, and there is no release before to go back to."
say "$release failed its trial: going back to $before"
if deploy "$before" && (try "$before"); then
  fail "$release failed its trial; $before runs again."
fi
fail "$release failed its trial, and $before does not work either: azd monitor --logs says more."
