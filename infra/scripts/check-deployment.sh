#!/usr/bin/env bash
# Says whether the app that answers is the one that was deployed. azd runs it after each deployment.
#
#   check-deployment.sh [--operator-token TOKEN]
#
# Without a token: the app answers, and its description names the version of this checkout; instances of the version
# before may answer for some minutes, and are waited for. With a token of the operator: commit and Python are this
# checkout's too. Wants POSTLEDGER_API_URL in the environment, as azd gives it.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

token=''
while [ $# -gt 0 ]; do
  case $1 in
    --operator-token) token=$(value_of "$@"); shift 2 ;;
    --help | -h) usage ;;
    *) fail "unknown option $1; --help lists them." ;;
  esac
done
[ -n "${POSTLEDGER_API_URL:-}" ] || fail "POSTLEDGER_API_URL is not set: set -a; eval \"\$(azd env get-values)\"; set +a"
need curl
root=$(dirname "$(dirname "$HERE")")

# A member of a JSON object without nested ones of that name.
member() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' | head -1; }

ask() { curl --silent --fail "$@" || true; }

wanted=$(version_of "$root")
answer='' found=''
# A cold start after an update takes its time, and an update that rolls takes minutes.
for _ in {1..60}; do
  answer=$(ask "$POSTLEDGER_API_URL/health" ${token:+--header "Authorization: Bearer $token"})
  found=$(ask "$POSTLEDGER_API_URL/openapi.json" | sed 's/.*"info"//' | member version)
  if [ -n "$answer" ] && [ "$found" = "$wanted" ]; then
    break
  fi
  sleep "${POSTLEDGER_WAIT:-5}"
done
[ -n "$answer" ] || fail "$POSTLEDGER_API_URL/health does not answer: azd monitor --logs says why."
[ "$found" = "$wanted" ] || fail "the app that answers is version ${found:-unknown}, deployed was $wanted."
if [ -n "$token" ]; then
  commit=$(printf '%s' "$answer" | member commit)
  wanted=$(sed 's/.*"commit": "\([^"]*\)".*/\1/' "$root/shared/build.json" 2>/dev/null || true)
  [ "$commit" = "$wanted" ] || fail "the app that answers is commit ${commit:-unknown}, deployed was ${wanted:-unknown}."
  python=$(printf '%s' "$answer" | member python)
  wanted=$(sed -n "s/.*runtime: { name: 'python', version: '\([0-9.]*\)' }.*/\1/p" "$root/infra/modules/app.bicep")
  case $python in
    "$wanted".*) ;;
    *) fail "the app runs on Python ${python:-unknown}; its packages were made for $wanted." ;;
  esac
fi
say "the app answers, and is what was deployed: version $found"
