#!/usr/bin/env bash
# Gives a person or an application one of Postledger's roles in the tenant that az is signed in to.
#
#   assign-role.sh --client-id ID --role Admin|Agent --person ADDRESS [--dry-run]
#   assign-role.sh --client-id ID --role Service|Operator --application CLIENT_ID [--dry-run]
#
# Safe to run again. A role is in the tokens that are issued from then on.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

client_id='' role='' person='' application=''
while [ $# -gt 0 ]; do
  case $1 in
    --client-id) client_id=$(value_of "$@"); shift 2 ;;
    --role) role=$(value_of "$@"); shift 2 ;;
    --person) person=$(value_of "$@"); shift 2 ;;
    --application) application=$(value_of "$@"); shift 2 ;;
    --dry-run) DRY_RUN=1; shift ;;
    --help | -h) usage ;;
    *) fail "unknown option $1; --help lists them." ;;
  esac
done
[ -n "$client_id" ] || fail "--client-id is missing: the client id of Postledger's app registration."
case $role in
  Admin | Agent) [ -n "$person" ] || fail "$role is a role of people: name one with --person." ;;
  Service | Operator) [ -n "$application" ] || fail "$role is a role of applications: name one with --application." ;;
  *) fail "--role is Admin, Agent, Service or Operator." ;;
esac
need az
graph=$(graph_url)

resource=$(az ad sp show --id "$client_id" --query id --output tsv)
role_id=$(az ad sp show --id "$client_id" --query "appRoles[?value=='$role'].id" --output tsv)
[ -n "$role_id" ] || fail "the app registration has no role $role; run app-registration.sh first."
if [ -n "$person" ]; then
  principal=$(az ad user show --id "$person" --query id --output tsv)
else
  principal=$(az ad sp show --id "$application" --query id --output tsv)
fi
given=$(az rest --method get --url "$graph/v1.0/servicePrincipals/$resource/appRoleAssignedTo?\$top=999" \
  --query "value[?principalId=='$principal' && appRoleId=='$role_id'].id" --output tsv)
if [ -n "$given" ]; then
  say "the role is given already"
  exit 0
fi
change rest --method post --url "$graph/v1.0/servicePrincipals/$resource/appRoleAssignedTo" --output none --body \
  "{\"principalId\": \"$principal\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role_id\"}"
say "gave the role $role"
