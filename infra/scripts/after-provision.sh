#!/usr/bin/env bash
# Run by azd once everything is made: the app's keys, and what the app registration could not know before.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$HERE/keys.sh" create

if [ "${POSTLEDGER_APP_REGISTRATION:-}" = manual ]; then
  say "the app registration is kept by hand. It needs the redirect URI $POSTLEDGER_REDIRECT_URI"
  say "and, for the credential 'identity', to trust the principal $POSTLEDGER_IDENTITY_PRINCIPAL_ID"
  exit 0
fi
options=(--client-id "$POSTLEDGER_CLIENT_ID" --redirect-uri "$POSTLEDGER_REDIRECT_URI")
ask_as_set
case ${POSTLEDGER_CREDENTIAL:-identity} in
  identity) options+=(--identity "$POSTLEDGER_IDENTITY_PRINCIPAL_ID") ;;
  certificate) options+=(--certificate "$POSTLEDGER_VAULT_NAME") ;;
  secret) options+=(--secret "$POSTLEDGER_VAULT_NAME") ;;
  *) fail "POSTLEDGER_CREDENTIAL is identity, certificate or secret." ;;
esac
"$HERE/app-registration.sh" "${options[@]}" >/dev/null
