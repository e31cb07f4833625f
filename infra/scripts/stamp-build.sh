#!/usr/bin/env bash
# Run by azd before it packs the code: writes version and commit beside it, so that the app can say which build runs.
# Changes that are not committed are told by a plus sign behind the commit.
#
#   stamp-build.sh [FILE]

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

root=$(dirname "$(dirname "$HERE")")
commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || true)
if [ -n "$commit" ] && [ -n "$(git -C "$root" status --porcelain --untracked-files=no)" ]; then
  commit=$commit+
fi
printf '{"version": "%s", "commit": "%s"}\n' "$(version_of "$root")" "$commit" >"${1:-$root/shared/build.json}"
say "version $(version_of "$root"), commit ${commit:-unknown}"
