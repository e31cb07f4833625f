#!/usr/bin/env bash
# Says whether the app that answers is the one that was deployed, and whether it works. azd runs it after each deployment.
#
#   check-deployment.sh [--operator-token TOKEN] [--version VERSION] [--commit COMMIT]
#
# Without a token: the app answers, and its description names the version (default: this checkout's); instances of the
# version before may answer for some minutes, and are waited for. With a token of the operator: commit and Python are
# those of the package, the tick has come lately, and one command goes through the queue and back. Wants
# POSTLEDGER_API_URL in the environment, as azd gives it; POSTLEDGER_OPERATOR_TOKEN instead of the option.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# After a deployment the tick may be one to two minutes late; Postledger itself takes it for missing after five.
OLDEST_TICK=300

token=${POSTLEDGER_OPERATOR_TOKEN:-} wanted=${POSTLEDGER_RELEASE:-} wanted_commit=''
wanted=${wanted#v}
while [ $# -gt 0 ]; do
  case $1 in
    --operator-token) token=$(value_of "$@"); shift 2 ;;
    --version) wanted=$(value_of "$@"); shift 2 ;;
    --commit) wanted_commit=$(value_of "$@"); shift 2 ;;
    --help | -h) usage ;;
    *) fail "unknown option $1; --help lists them." ;;
  esac
done
[ -n "${POSTLEDGER_API_URL:-}" ] || fail "POSTLEDGER_API_URL is not set: set -a; eval \"\$(azd env get-values)\"; set +a"
need curl
root=$(dirname "$(dirname "$HERE")")
if [ -z "$wanted" ]; then
  wanted=$(version_of "$root")
  wanted_commit=${wanted_commit:-$(sed 's/.*"commit": "\([^"]*\)".*/\1/' "$root/shared/build.json" 2>/dev/null || true)}
fi

# A member of a JSON object without nested ones of that name: a text, or a number.
member() { sed -n 's/.*"'"$1"'": *\("\([^"]*\)"\|\([0-9.]*\)\).*/\2\3/p' | head -1; }

# Never on a command line, where other processes could read it.
ask() {
  if [ -n "$token" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$token" | curl --silent "$fails" --config - "$@" || true
  else
    curl --silent "$fails" "$@" || true
  fi
}
fails=--fail
# What the service itself says is wrong: to the operator's token which tables, queues or containers are missing.
why() {
  local said
  said=$(fails=--no-fail; ask "$POSTLEDGER_API_URL/health" | member detail)
  printf '%s' "${said:-azd monitor --logs says why.}"
}

# Asks until an answer is as wanted, or for about five minutes; a cold start after an update takes its time, and an
# update that rolls takes minutes. Sets answer.
wait_until() {
  local what=$1
  shift
  for _ in $(seq "${POSTLEDGER_TRIES:-60}"); do
    answer=$("$@")
    if [ -n "$answer" ] && "$what" "$answer"; then
      return 0
    fi
    sleep "${POSTLEDGER_WAIT:-5}"
  done
  return 1
}

described() { ask "$POSTLEDGER_API_URL/openapi.json" | sed 's/.*"info"//' | member version; }
health() { ask "$POSTLEDGER_API_URL/health"; }
is_wanted() { [ "$1" = "$wanted" ]; }
answers() { [ -n "$1" ]; }
has_ticked() {
  local age
  age=$(printf '%s' "$1" | member tick_age)
  [ -n "$age" ] && [ "$age" -le "$OLDEST_TICK" ]
}
has_reported() { [ "$(printf '%s' "$1" | member trial)" = "$trial" ]; }

wait_until answers health || fail "$POSTLEDGER_API_URL/health does not answer: $(why)"
wait_until is_wanted described || fail "the app that answers is version ${answer:-unknown}, deployed was $wanted."
if [ -n "$token" ]; then
  answer=$(health)
  [ -n "$(printf '%s' "$answer" | member version)" ] ||
    fail "the token is not one of the operator's: infra/scripts/operator-token.sh prints one."
  commit=$(printf '%s' "$answer" | member commit)
  [ -z "$wanted_commit" ] || [ "$commit" = "$wanted_commit" ] ||
    fail "the app that answers is commit ${commit:-unknown}, deployed was $wanted_commit."
  python=$(printf '%s' "$answer" | member python)
  built_for=$(sed -n "s/.*runtime: { name: 'python', version: '\([0-9.]*\)' }.*/\1/p" "$root/infra/modules/app.bicep")
  case $python in
    "$built_for".*) ;;
    *) fail "the app runs on Python ${python:-unknown}; its packages were made for $built_for." ;;
  esac
  wait_until has_ticked health ||
    fail "the tick last came $(printf '%s' "$answer" | member tick_age || true) seconds ago: its timer does not run."
  trial=$(ask --request POST "$POSTLEDGER_API_URL/health/trial" | member trial)
  [ -n "$trial" ] || fail "the app takes no command for its queue: is storage open to it?"
  wait_until has_reported health || fail "a command was queued and has not come back: the function mail does not run."
  say "the tick came lately, and a command went through the queue and back"
fi
say "the app answers, and is what was deployed: version $wanted"
