#!/usr/bin/env bash
# Run by azd before it packs the app: installs what runs in Azure into .python_packages, for Azure's machine and the
# Python of infra/modules/app.bicep, from requirements.lock. A build in Azure would take whatever is newest that day,
# and has been seen to take another Python than the app's. Then stamps the build with version and commit.
#
# Needs Python 3.11 or newer and a connection to the package index. Options:
#   --python VERSION   another Python than the template's, as 3.11
#   --into FOLDER      another folder than .python_packages
#   --stamp FILE       another file than shared/build.json for version and commit

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Debian 12, as in Azure's images for Python; some wheels want glibc 2.28.
PLATFORM=x86_64-manylinux_2_28

wanted=
into=.python_packages
stamp=
while [ $# -gt 0 ]; do
  case $1 in
    --python) wanted=$(value_of "$@") && shift 2 ;;
    --into) into=$(value_of "$@") && shift 2 ;;
    --stamp) stamp=$(value_of "$@") && shift 2 ;;
    -h | --help) usage ;;
    *) fail "unknown option $1" ;;
  esac
done

cd "$HERE/../.."
[ -n "$wanted" ] ||
  wanted=$(sed -n "s/^ *runtime: { name: 'python', version: '\([0-9.]*\)' }$/\1/p" infra/modules/app.bicep)
[ -n "$wanted" ] || fail "infra/modules/app.bicep does not say which Python the app runs on."

# A Python that can run uv. On Windows `python3` may be a link to the shop.
find_python() {
  local name
  for name in python3 python py; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$name"
      return
    fi
  done
  fail "there is no Python 3.11 or newer; see docs/deployment.md, \"What you need\"."
}

# uv resolves the lock's conditions for the other machine; pip would resolve them for this one. It is itself locked.
install_uv() {
  local python
  python=$(find_python)
  "$python" -m venv "$tools"
  [ -d "$tools/bin" ] || bin=Scripts
  sed -n '/^uv==/,/[^\\]$/p' requirements-dev.lock >"$tools/uv.lock"
  "$tools/$bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r "$tools/uv.lock"
}

tools=$(mktemp -d)
bin=bin
trap 'rm -rf "$tools"' EXIT
install_uv
rm -rf "$into"
"$tools/$bin/uv" pip install --no-config --quiet --require-hashes --only-binary=:all: --link-mode=copy \
  --python-platform="$PLATFORM" --python-version="$wanted" --target="$into/lib/site-packages" --requirement=requirements.lock

# What is compiled for another Python or machine does not import, and every function would be dead.
foreign=$(find "$into" \( -name '*.pyd' -o -name '*.dylib' -o -name '*.cpython-*.so' \) \
  ! -name "*.cpython-${wanted/./}-x86_64-linux-gnu.so")
[ -z "$foreign" ] || fail "these are not for Python $wanted on Linux: $foreign"
"$HERE/stamp-build.sh" ${stamp:+"$stamp"}
say "built for Python $wanted: $(find "$into" -name '*.dist-info' | wc -l | tr -d ' ') packages"
