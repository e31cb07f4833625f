#!/usr/bin/env bash
# Keeps the app's keys in the vault: makes each once, adds new ones before the old. Prints no key.
#
#   keys.sh create [--dry-run]             make hash-key, code-keys and token-keys where they are missing
#   keys.sh rotate code-keys|token-keys [--dry-run]
#                                          put a new key before the old ones, which go on being read
#   keys.sh drop code-keys|token-keys [--dry-run]
#                                          take the oldest key away; the last one stays
#   keys.sh refresh [--dry-run]            have the app read the vault now; by itself it does so once a day
#
# Wants AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP, POSTLEDGER_VAULT_NAME and SERVICE_API_NAME in the environment, as
# azd gives them to its hooks; by hand: set -a; eval "$(azd env get-values)"; set +a

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || usage
what=$1 name=''
shift
case $what in
  create | refresh) ;;
  rotate | drop)
    name=${1:-}
    case $name in
      code-keys | token-keys) shift ;;
      hash-key) fail "the hash key never changes: every mail would be filed a second time." ;;
      *) fail "$what code-keys or token-keys." ;;
    esac
    ;;
  --help | -h) usage ;;
  *) fail "unknown command $what; --help lists them." ;;
esac
[ "${1:-}" != --dry-run ] || DRY_RUN=1
for variable in AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP POSTLEDGER_VAULT_NAME SERVICE_API_NAME; do
  [ -n "${!variable:-}" ] || fail "$variable is not set; --help says how to set it."
done
need az

group="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers"
vault="$group/Microsoft.KeyVault/vaults/$POSTLEDGER_VAULT_NAME"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

new_key() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# Through Azure's management, not the vault's own address: that works behind a private endpoint as well, and the
# person who deploys needs no right to read secrets. Whether one is there can be asked, its value cannot.
is_there() {
  if az rest --method get --url "$vault/secrets/$1?api-version=2023-07-01" --output none 2>"$work/error"; then
    return 0
  fi
  # Only a plain "not there" leads to a new key; any other trouble must not.
  grep -qiE 'SecretNotFound|ResourceNotFound|Not Found' "$work/error" || fail "cannot tell whether $1 is there: $(cat "$work/error")"
  return 1
}

create() {
  local one made=''
  for one in hash-key code-keys token-keys; do
    if is_there "$one"; then
      say "$one is there"
      continue
    fi
    (umask 077 && printf '{"properties": {"value": "%s"}}' "$(new_key)" >"$work/body.json")
    change rest --method put --url "$vault/secrets/$one?api-version=2023-07-01" --body "@$work/body.json" --output none
    [ -n "$DRY_RUN" ] || say "made $one"
    made=1
  done
  [ -z "$made" ] || refresh
}

keys_now() {
  az keyvault secret show --vault-name "$POSTLEDGER_VAULT_NAME" --name "$name" --query value --output tsv
}

# The keys come from standard input, never from a command line.
store_keys() {
  (umask 077 && cat >"$work/keys")
  change keyvault secret set --vault-name "$POSTLEDGER_VAULT_NAME" --name "$name" --file "$work/keys" --output none
}

rotate() {
  local old
  old=$(keys_now)
  [ -n "$old" ] || fail "$name is empty."
  printf '%s,%s' "$(new_key)" "$old" | store_keys
  [ -n "$DRY_RUN" ] || say "$name has a new first key"
  refresh
}

drop() {
  local old
  old=$(keys_now)
  case $old in
    *,*) ;;
    *) fail "$name has one key only; it stays." ;;
  esac
  printf '%s' "${old%,*}" | store_keys
  [ -n "$DRY_RUN" ] || say "$name has lost its oldest key"
  refresh
}

# References to the vault are read once a day, and now.
refresh() {
  change rest --method post --output none --url \
    "$group/Microsoft.Web/sites/$SERVICE_API_NAME/config/configreferences/appsettings/refresh?api-version=2022-03-01"
}

$what
