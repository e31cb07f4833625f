#!/usr/bin/env bash
# Prints an access token with the role Operator, good for an hour, for the calls that only the operator may make.
#
#   TOKEN=$(operator-token.sh --client-id ID [--name NAME])
#
# Operator is a role of applications of the home tenant. This makes one (once), gives it the role, gets a token with a
# password that exists for a minute, and removes the password. Needs az and curl.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

client_id='' name='Postledger operator'
while [ $# -gt 0 ]; do
  case $1 in
    --client-id) client_id=$(value_of "$@"); shift 2 ;;
    --name) name=$(value_of "$@"); shift 2 ;;
    --help | -h) usage ;;
    *) fail "unknown option $1; --help lists them." ;;
  esac
done
[ -n "$client_id" ] || fail "--client-id is missing: the client id of Postledger's app registration."
need az
need curl

operator=$(az ad app list --filter "displayName eq '${name//\'/\'\'}'" --query '[0].appId' --output tsv)
if [ -z "$operator" ]; then
  operator=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
  say "made the application $name: $operator"
fi
[ -n "$(az ad sp list --filter "appId eq '$operator'" --query '[].id' --output tsv)" ] ||
  az ad sp create --id "$operator" --output none
"$HERE/assign-role.sh" --client-id "$client_id" --role Operator --application "$operator"

work=$(mktemp -d)
label="for a minute, $(date -u +%Y-%m-%dT%H:%M:%SZ)"
# shellcheck disable=SC2317,SC2329  # called by the trap
forget() {
  local key
  rm -rf "$work"
  key=$(az ad app credential list --id "$operator" --query "[?displayName=='$label'].keyId" --output tsv)
  [ -z "$key" ] || az ad app credential delete --id "$operator" --key-id "$key"
}
trap forget EXIT

umask 077
az ad app credential reset --id "$operator" --append --display-name "$label" --query password --output tsv |
  tr -d '\n' >"$work/password"
tenant=$(az account show --query tenantId --output tsv)
address="$(login_url)/$tenant/oauth2/v2.0/token"
# A new password is known everywhere after some seconds.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  if curl --silent --fail "$address" --output "$work/answer" --data grant_type=client_credentials \
    --data "client_id=$operator" --data-urlencode "scope=api://$client_id/.default" \
    --data-urlencode "client_secret@$work/password"; then
    sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' "$work/answer"
    exit 0
  fi
  sleep "${POSTLEDGER_WAIT:-5}"
done
fail "Entra ID gives no token for the application $operator."
