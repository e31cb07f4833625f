#!/usr/bin/env bash
# Makes, or brings in order, the app registration of a Postledger deployment. Prints its client id.
#
#   app-registration.sh [--name NAME | --client-id ID] [--audience single|multi] [--redirect-uri URI]
#                       [--identity PRINCIPAL_ID | --certificate VAULT | --secret VAULT] [--renew]
#                       [--application "PERMISSION ..."] [--delegated "PERMISSION ..."] [--dry-run]
#
#   --audience     single: mailboxes of this tenant only. multi: other tenants may consent too
#   --identity     trust this managed identity as federated credential: no secret anywhere
#   --certificate  make a certificate in this Key Vault and register it
#   --secret       make a client secret and put it into this Key Vault
#   --renew        make a new certificate or secret beside the old one, which stays valid until it expires
#   --application  permissions of the app itself in Microsoft Graph
#   --delegated    permissions on behalf of people who sign in, or none
#
# Safe to run again: it changes what differs and keeps what others have added. What is not named stays as it is: audience
# and permissions too. A new registration is for one tenant and asks for the permissions of lib.sh. docs/permissions.md
# explains all.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

GRAPH_APP=00000003-0000-0000-c000-000000000000
AZURE_CLI=04b07795-8ddb-461a-bbee-02f9e1bf7b46

name=Postledger client_id='' audience='' redirect_uri='' way='' principal='' vault='' renew=''
application='' delegated=''

while [ $# -gt 0 ]; do
  case $1 in
    --name) name=$(value_of "$@"); shift 2 ;;
    --client-id) client_id=$(value_of "$@"); shift 2 ;;
    --audience) audience=$(value_of "$@"); shift 2 ;;
    --redirect-uri) redirect_uri=$(value_of "$@"); shift 2 ;;
    --identity) way=identity principal=$(value_of "$@"); shift 2 ;;
    --certificate) way=certificate vault=$(value_of "$@"); shift 2 ;;
    --secret) way=secret vault=$(value_of "$@"); shift 2 ;;
    --renew) renew=1; shift ;;
    --application) application=$(value_of "$@"); shift 2 ;;
    --delegated) delegated=$(value_of "$@"); shift 2 ;;
    --dry-run) DRY_RUN=1; shift ;;
    --help | -h) usage ;;
    *) fail "unknown option $1; --help lists them." ;;
  esac
done
case $audience in
  '') sign_in='' ;;
  single) sign_in=AzureADMyOrg ;;
  multi) sign_in=AzureADMultipleOrgs ;;
  *) fail "--audience is single or multi, not $audience." ;;
esac
need az
graph=$(graph_url)

patch() { change rest --method patch --url "$graph/v1.0/applications/$object_id" --body "$1" --output none; }

# Sets object_id and client_id; makes the registration where there is none.
find_or_make() {
  local filter="displayName eq '${name//\'/\'\'}'" found
  [ -z "$client_id" ] || filter="appId eq '$client_id'"
  found=$(az ad app list --filter "$filter" --query '[].[id,appId]' --output tsv)
  if [ "$(printf '%s' "$found" | grep -c .)" -gt 1 ]; then
    fail "several app registrations are called $name; name one with --client-id."
  elif [ -n "$found" ]; then
    read -r object_id client_id <<<"$found"
    say "app registration $client_id is there"
  elif [ -n "$client_id" ]; then
    fail "no app registration has the client id $client_id in this tenant."
  elif [ -n "$DRY_RUN" ]; then
    say "would make the app registration $name (${sign_in:-AzureADMyOrg})"
    exit 0
  else
    found=$(az ad app create --display-name "$name" --sign-in-audience "${sign_in:-AzureADMyOrg}" \
      --query '[id,appId]' --output tsv)
    read -r object_id client_id <<<"$(printf '%s' "$found" | tr '\n' ' ')"
    say "made the app registration $name: $client_id"
  fi
}

# A list of the registration without the entries that are ours, as `{...}, {...},`: a PATCH replaces whole lists,
# and whoever else uses the registration keeps what they added.
of_others() {
  local list
  list=$(az ad app show --id "$client_id" --query "$1" --output json | tr -d '\n' | sed 's/^ *\[//; s/\] *$//; s/^ *//; s/ *$//')
  [ -z "$list" ] || [ "$list" = null ] || printf '%s, ' "$list"
}

# The value of a property in one of the JSON files beside this script.
value_in() { sed -n 's/.*"'"$2"'": "\([^"]*\)".*/\1/p' "$HERE/$1"; }

# The roles and the scope of the API. The Azure CLI may ask for the scope, so that an admin needs no other client.
describe_api() {
  local scope scope_id roles claims api ours other_clients
  scope=$(tr -d '\n' <"$HERE/app-scope.json")
  scope_id=$(value_in app-scope.json id)
  ours=$(value_in app-roles.json id | sed "s/.*/id!='&'/" | paste -sd'&' - | sed 's/&/ \&\& /g')
  roles=$(tr -d '\n' <"$HERE/app-roles.json" | sed 's/^ *\[//; s/\] *$//')
  claims=$(tr -d '\n' <"$HERE/app-claims.json")
  patch "{\"appRoles\": [$(of_others "appRoles[?$ours]")$roles], \"optionalClaims\": {
    \"idToken\": [$(of_others 'optionalClaims.idToken' | sed 's/, $//')],
    \"saml2Token\": [$(of_others 'optionalClaims.saml2Token' | sed 's/, $//')],
    \"accessToken\": [$(of_others "optionalClaims.accessToken[?name!='idtyp']")$claims]}}"
  api="\"requestedAccessTokenVersion\": 2,
    \"oauth2PermissionScopes\": [$(of_others "api.oauth2PermissionScopes[?id!='$scope_id']")$scope]"
  if [ -z "$(az ad app show --id "$client_id" --query "api.oauth2PermissionScopes[?value=='access_as_user'].id" --output tsv)" ]; then
    patch "{\"identifierUris\": [$(of_others "identifierUris[?@!='api://$client_id']")\"api://$client_id\"], \"api\": {$api}}"
  fi
  other_clients=$(of_others "api.preAuthorizedApplications[?appId!='$AZURE_CLI']")
  patch "{${sign_in:+\"signInAudience\": \"$sign_in\", }\"api\": {$api, \"preAuthorizedApplications\": [
    $other_clients{\"appId\": \"$AZURE_CLI\", \"delegatedPermissionIds\": [\"$scope_id\"]}]}}"
}

# Ids of permissions are looked up by name, so that no list of them can be wrong.
list_permissions() {
  local kind=$1 where=$2 one id known
  shift 2
  known=$(az ad sp show --id "$GRAPH_APP" --query "${where}[].[value,id]" --output tsv)
  for one in "$@"; do
    id=$(awk -v name="$one" '$1 == name { print $2; exit }' <<<"$known")
    [ -n "$id" ] || fail "Microsoft Graph has no permission called $one."
    printf '{"id": "%s", "type": "%s"},' "$id" "$kind"
  done
}

# Whether permissions of Microsoft Graph are listed already, which stay where none is named.
asks_for_some() {
  [ -n "$(az ad app show --id "$client_id" --output tsv \
    --query "requiredResourceAccess[?resourceAppId=='$GRAPH_APP'].resourceAppId")" ]
}

ask_for_permissions() {
  local access
  if [ -z "$application$delegated" ] && asks_for_some; then
    return
  fi
  application=${application:-$APPLICATION_PERMISSIONS} delegated=${delegated:-$DELEGATED_PERMISSIONS}
  [ "$delegated" != none ] || delegated=''
  # shellcheck disable=SC2086  # names, separated by spaces
  access=$(list_permissions Role appRoles $application && list_permissions Scope oauth2PermissionScopes $delegated)
  patch "{\"requiredResourceAccess\": [$(of_others "requiredResourceAccess[?resourceAppId!='$GRAPH_APP']"){
    \"resourceAppId\": \"$GRAPH_APP\", \"resourceAccess\": [${access%,}]}]}"
}

add_redirect() {
  local known all
  known=$(az ad app show --id "$client_id" --query 'web.redirectUris' --output tsv)
  if printf '%s\n' "$known" | grep -qxF "$redirect_uri"; then
    return
  fi
  all=$(printf '%s\n' "$known" "$redirect_uri" | grep . | sed 's/.*/"&"/' | paste -sd, -)
  patch "{\"web\": {\"redirectUris\": [$all]}}"
}

make_service_principal() {
  [ -n "$(az ad sp list --filter "appId eq '$client_id'" --query '[].id' --output tsv)" ] ||
    change ad sp create --id "$client_id" --output none
}

trust_identity() {
  local tenant issuer known wanted
  tenant=$(az account show --query tenantId --output tsv)
  issuer="$(login_url)/$tenant/v2.0"
  wanted="{\"name\": \"postledger-identity\", \"issuer\": \"$issuer\", \"subject\": \"$principal\",
    \"audiences\": [\"$(exchange_audience)\"]}"
  known=$(az ad app federated-credential list --id "$object_id" \
    --query "[?name=='postledger-identity'].subject" --output tsv)
  if [ -z "$known" ]; then
    change ad app federated-credential create --id "$object_id" --parameters "$wanted" --output none
  elif [ "$known" != "$principal" ]; then
    change ad app federated-credential update --id "$object_id" \
      --federated-credential-id postledger-identity --parameters "$wanted" --output none
  fi
}

# Whether the vault holds something usable under this name. Fails where it cannot tell.
in_vault() {
  local kind=$1 entry=$2
  [ -n "$(az keyvault "$kind" list --vault-name "$vault" --query "[?name=='$entry'].id" --output tsv)" ]
}

register_certificate() {
  local file
  if in_vault certificate app-certificate && [ -z "$renew" ]; then
    say "the vault holds a certificate already; --renew makes another"
    return
  fi
  change keyvault certificate create --vault-name "$vault" --name app-certificate \
    --policy "@$HERE/certificate-policy.json" --output none
  file=$(mktemp -d)/app.pem
  change keyvault certificate download --vault-name "$vault" --name app-certificate --encoding PEM --file "$file"
  change ad app credential reset --id "$client_id" --append --cert "@$file" --output none
  rm -rf "$(dirname "$file")"
}

make_secret() {
  local directory expires
  if in_vault secret app-secret && [ -z "$renew" ]; then
    say "the vault holds a client secret already; --renew makes another"
    return
  fi
  expires=$(date -u -d '+180 days' +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v+180d +%Y-%m-%dT%H:%M:%SZ)
  if [ -n "$DRY_RUN" ]; then
    say "would make a client secret that expires on $expires and put it into $vault as app-secret"
    return
  fi
  directory=$(mktemp -d)
  # Never on a command line, where other processes could read it.
  (umask 077 && az ad app credential reset --id "$client_id" --append --display-name postledger \
    --end-date "$expires" --query password --output tsv | tr -d '\n' >"$directory/secret")
  az keyvault secret set --vault-name "$vault" --name app-secret --file "$directory/secret" \
    --expires "$expires" --output none
  # For the app, which warns of it: a secret does not say itself when it ends.
  printf '%s' "$expires" >"$directory/expires"
  az keyvault secret set --vault-name "$vault" --name app-secret-expires --file "$directory/expires" --output none
  rm -rf "$directory"
}

find_or_make
describe_api
ask_for_permissions
[ -z "$redirect_uri" ] || add_redirect
make_service_principal
case $way in
  identity) trust_identity ;;
  certificate) register_certificate ;;
  secret) make_secret ;;
esac
say "the app registration is in order"
printf '%s\n' "$client_id"
