#!/usr/bin/env bash
# Prints an access token with the role Operator, good for an hour, for the calls that only the operator may make.
#
#   TOKEN=$(operator-token.sh --client-id ID [--name NAME])
#
# Operator is a role of applications of the home tenant. This makes one (once), gives it the role, gets a token with a
# certificate that exists for a minute, and removes the certificate: many tenants forbid passwords of applications.
# Needs az, curl and openssl.

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
need openssl
tenant=$(az account show --query tenantId --output tsv)
[ "${AZURE_TENANT_ID:-$tenant}" = "$tenant" ] ||
  fail "az is signed in to the tenant $tenant, the deployment is in $AZURE_TENANT_ID: az login --tenant $AZURE_TENANT_ID"

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
  key=$(az ad app credential list --id "$operator" --cert --query "[?displayName=='$label'].keyId" --output tsv)
  [ -z "$key" ] || az ad app credential delete --id "$operator" --cert --key-id "$key"
}
trap forget EXIT

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# The application's word for itself (RFC 7523), signed with its key: what a password would prove, and no password.
assertion() {
  local now head claims
  now=$(date +%s)
  head=$(openssl x509 -in "$work/certificate.pem" -outform DER | openssl dgst -sha1 -binary | base64url)
  head=$(printf '{"alg": "RS256", "typ": "JWT", "x5t": "%s"}' "$head" | base64url)
  claims=$(printf '{"aud": "%s", "iss": "%s", "sub": "%s", "jti": "%s", "nbf": %d, "exp": %d}' \
    "$address" "$operator" "$operator" "$(openssl rand -hex 16)" "$((now - 60))" "$((now + 300))" | base64url)
  printf '%s.%s.%s' "$head" "$claims" \
    "$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign "$work/key.pem" -binary | base64url)"
}

umask 077
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj "/CN=Postledger operator" \
  -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
az ad app credential reset --id "$operator" --append --display-name "$label" --cert "@$work/certificate.pem" \
  --output none
address="$(login_url)/$tenant/oauth2/v2.0/token"
# A new certificate is known everywhere after some seconds.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  assertion >"$work/assertion"
  # A bare name, since curl on Windows does not know bash's paths.
  if (cd "$work" && curl --silent --fail "$address" --output "$work/answer" --data grant_type=client_credentials \
    --data "client_id=$operator" --data-urlencode "scope=api://$client_id/.default" \
    --data client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
    --data-urlencode client_assertion@assertion); then
    sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' "$work/answer"
    exit 0
  fi
  sleep "${POSTLEDGER_WAIT:-5}"
done
fail "Entra ID gives no token for the application $operator."
