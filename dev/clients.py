"""Installs what generates clients of the API in the tests: npm packages from their lock file, and a Python tool.

`python -m dev.clients --install` fetches both into `.clients/`. The Python tool has an environment of its own, since
its requirements are not this project's.
"""

import argparse
import shutil
import sys
import venv

from dev.azurite import ROOT
from dev.node import find_node, install_wheel, run

PYTHON_GENERATOR = "openapi-python-client==0.29.1"
# A worktree may share the folder of another by a link; Node looks for packages beside the real files.
DIRECTORY = (ROOT / ".clients").resolve()
PYTHON = DIRECTORY / "python" / "bin"
PACKAGES = DIRECTORY / "node_modules"
SOURCES = ROOT / "tests" / "clients"


def install() -> None:
    """Fetch both. Raises RuntimeError where npm or pip fails."""
    print("installing the generators of clients", flush=True)
    DIRECTORY.mkdir(exist_ok=True)
    node = find_node() or install_wheel()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, DIRECTORY / name)
    node.run_npm("ci", "--prefix", str(DIRECTORY))
    venv.create(DIRECTORY / "python", with_pip=True, clear=True)
    pip = [str(PYTHON / "python"), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    run([*pip, PYTHON_GENERATOR])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", required=True, help="fetch the pinned versions")
    parser.parse_args()
    try:
        install()
    except RuntimeError as error:
        sys.exit(f"error: {error}")
