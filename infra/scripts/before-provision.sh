#!/usr/bin/env bash
# Run by azd before it makes anything: whether the region has what is wanted, and the app registration, whose client
# id the templates want.
#
# Whoever may not make app registrations has them made by somebody who may, and says so:
#   azd env set POSTLEDGER_APP_REGISTRATION manual; azd env set POSTLEDGER_CLIENT_ID ID

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Azure refuses a budget whose first month differs from the one it was made in: each environment remembers its own.
remember_budget_start() {
  if [ "${POSTLEDGER_BUDGET:-0}" != 0 ] && [ -z "${POSTLEDGER_BUDGET_START:-}" ]; then
    azd env set POSTLEDGER_BUDGET_START "$(date -u +%Y-%m-01)"
  fi
}

# Region names as `az` lists them ("West Europe") and as azd keeps them ("westeurope").
plain() { tr -d ' ' | tr '[:upper:]' '[:lower:]'; }

# A region without Flex Consumption, or without zones where the settings want some, fails half-way through otherwise.
check_region() {
  local region regions zones='' kind redundancy=${POSTLEDGER_STORAGE_REDUNDANCY:-Standard_ZRS}
  region=$(printf '%s' "${AZURE_LOCATION:-}" | plain)
  [ -n "$region" ] || return 0
  [ "${POSTLEDGER_ZONE_REDUNDANT:-false}" = false ] || zones=--zone-redundant
  kind=${zones:+ over several zones}
  # An az that is too old says so itself.
  regions=$(az functionapp list-flexconsumption-locations ${zones:+"$zones"} --query '[].name' --output tsv | plain)
  grep -qx "$region" <<<"$regions" ||
    fail "Azure has no Flex Consumption$kind in $region. Regions: az functionapp list-flexconsumption-locations $zones"
  az storage sku list --query "[?name=='$redundancy'].locations[0]" --output tsv | plain | grep -qx "$region" ||
    fail "Azure has no $redundancy storage in $region: azd env set POSTLEDGER_STORAGE_REDUNDANCY Standard_LRS, or another region."
}

need azd
need az
remember_budget_start
az account show --output none 2>/dev/null || fail "sign in first: az login"
signed_in=$(az account show --query tenantId --output tsv)
# azd may ask for the subscription only after this.
wanted=$(az account show ${AZURE_SUBSCRIPTION_ID:+--subscription "$AZURE_SUBSCRIPTION_ID"} --query tenantId --output tsv)
[ "$signed_in" = "$wanted" ] ||
  fail "az is signed in to the tenant $signed_in, but the subscription is in $wanted: az login --tenant $wanted"
check_region

if [ "${POSTLEDGER_APP_REGISTRATION:-}" = manual ]; then
  [ -n "${POSTLEDGER_CLIENT_ID:-}" ] ||
    fail "the app registration is made by hand, but POSTLEDGER_CLIENT_ID is not set: azd env set POSTLEDGER_CLIENT_ID ID"
  exit 0
fi
if [ -n "${POSTLEDGER_CLIENT_ID:-}" ]; then
  options=(--client-id "$POSTLEDGER_CLIENT_ID")
else
  options=(--name "Postledger ($AZURE_ENV_NAME)")
fi
ask_as_set
client_id=$("$HERE/app-registration.sh" "${options[@]}")
azd env set POSTLEDGER_CLIENT_ID "$client_id"
