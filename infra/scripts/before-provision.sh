#!/usr/bin/env bash
# Run by azd before it makes anything: the app registration, whose client id the templates want.
#
# Whoever may not make app registrations has them made by somebody who may, and says so:
#   azd env set POSTLEDGER_APP_REGISTRATION manual; azd env set POSTLEDGER_CLIENT_ID ID

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${POSTLEDGER_APP_REGISTRATION:-}" = manual ]; then
  [ -n "${POSTLEDGER_CLIENT_ID:-}" ] ||
    fail "the app registration is made by hand, but POSTLEDGER_CLIENT_ID is not set: azd env set POSTLEDGER_CLIENT_ID ID"
  exit 0
fi
need az
need azd
az account show --output none 2>/dev/null || fail "sign in first: az login"
signed_in=$(az account show --query tenantId --output tsv)
# azd may ask for the subscription only after this.
wanted=$(az account show ${AZURE_SUBSCRIPTION_ID:+--subscription "$AZURE_SUBSCRIPTION_ID"} --query tenantId --output tsv)
[ "$signed_in" = "$wanted" ] ||
  fail "az is signed in to the tenant $signed_in, but the subscription is in $wanted: az login --tenant $wanted"

options=(--audience "${POSTLEDGER_AUDIENCE:-single}")
if [ -n "${POSTLEDGER_CLIENT_ID:-}" ]; then
  options+=(--client-id "$POSTLEDGER_CLIENT_ID")
else
  options+=(--name "Postledger ($AZURE_ENV_NAME)")
fi
ask_as_set
client_id=$("$HERE/app-registration.sh" "${options[@]}")
azd env set POSTLEDGER_CLIENT_ID "$client_id"
