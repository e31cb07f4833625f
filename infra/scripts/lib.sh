# shellcheck shell=bash
# What the scripts share. Each writes through `change`, so that --dry-run shows what would be done and does nothing.
set -euo pipefail

# shellcheck disable=SC2034  # used by those who read this file
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DRY_RUN=${DRY_RUN:-}

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}

# On Windows az ends its lines with a carriage return, which would become part of ids and names, and bash would take
# what begins like a path for one: Azure's ids, JSON, a certificate's subject.
case ${OSTYPE:-} in
  msys* | cygwin*)
    az() { command az "$@" | tr -d '\r'; }
    export MSYS2_ARG_CONV_EXCL='/subscriptions;{;/CN='
    # It would leave paths of files alone, too.
    unset MSYS_NO_PATHCONV
    ;;
esac

# Runs az, or says what would be run. For whatever changes something; standard output stays with results.
change() {
  if [ -n "$DRY_RUN" ]; then
    say "would run: az $*"
  else
    az "$@" >&2
  fi
}

need() { command -v "$1" >/dev/null || fail "$1 is not installed; see docs/deployment.md, \"What you need\"."; }

# Microsoft Graph and Entra ID of the cloud that az is signed in to, without a slash at the end.
graph_url() { az cloud show --query endpoints.microsoftGraphResourceId --output tsv | sed 's:/*$::'; }
login_url() { az cloud show --query endpoints.activeDirectory --output tsv | sed 's:/*$::'; }

# What a token of a managed identity is issued for when it proves an application; each cloud has a name of its own.
exchange_audience() {
  case $(login_url) in
    *.us) printf 'api://AzureADTokenExchangeUSGov' ;;
    *.cn) printf 'api://AzureADTokenExchangeChina' ;;
    *) printf 'api://AzureADTokenExchange' ;;
  esac
}

# The version of a checkout.
version_of() { sed -n 's/^version = "\([^"]*\)".*/\1/p' "$1/pyproject.toml" | head -1; }

# The value after an option, or an error that names the option.
value_of() {
  if [ $# -lt 2 ] || [ -z "$2" ]; then
    fail "$1 needs a value."
  fi
  printf '%s' "$2"
}

# What a registration asks of Microsoft Graph unless told.
APPLICATION_PERMISSIONS='Mail.Read MailboxSettings.Read User.Read.All'
DELEGATED_PERMISSIONS='openid profile email offline_access User.Read Mail.Read Mail.Send Mail.ReadWrite.Shared Mail.Send.Shared'

# Adds to the array `options` what the azd environment wants of the registration, defaults too: a setting that was taken
# back takes effect.
ask_as_set() {
  options+=(--audience "${POSTLEDGER_AUDIENCE:-single}")
  options+=(--application "${POSTLEDGER_GRAPH_PERMISSIONS:-$APPLICATION_PERMISSIONS}")
  options+=(--delegated "${POSTLEDGER_DELEGATED_PERMISSIONS:-$DELEGATED_PERMISSIONS}")
}

usage() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 0
}
