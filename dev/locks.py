"""Renews the locks, which name every package that is installed, with its version and its hashes: `make lock`.

`requirements.lock` is what runs in Azure, from requirements.txt. `requirements-dev.lock` is the same and the tools of
pyproject.toml's group `dev`. Each must be installable from wheels alone wherever we run.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Final

from dev.azurite import ROOT

ASKED: Final = "requirements.txt"
RUNTIME: Final = "requirements.lock"
DEVELOPMENT: Final = "requirements-dev.lock"
PYTHONS: Final = ("3.11", "3.12", "3.13")
# As uv names them. The first is Azure's: Debian 12 has glibc 2.36, and some wheels want 2.28.
PLATFORMS: Final = ("x86_64-manylinux_2_28", "aarch64-apple-darwin")
# Whatever index a machine is set up for, the lock is the same: `--no-config`, and no header with the command.
_COMPILE: Final = (
    "pip",
    "compile",
    "--no-config",
    "--universal",
    f"--python-version={PYTHONS[0]}",
    "--generate-hashes",
    "--no-header",
    "--quiet",
)


def main() -> None:
    """Write both locks, then look whether they can be installed. Exits with uv's words where something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="raise only what requirements.txt makes necessary"
    )
    renew = () if parser.parse_args().keep else ("--upgrade",)
    _uv([*_COMPILE, *renew, f"--output-file={RUNTIME}", ASKED])
    # The same versions in both: what is tested is what is deployed.
    given = [f"--constraint={RUNTIME}", "--group=dev", ASKED]
    _uv([*_COMPILE, *renew, f"--output-file={DEVELOPMENT}", *given])
    for lock, platform, python in product((RUNTIME, DEVELOPMENT), PLATFORMS, PYTHONS):
        print(f"{lock}: wheels for Python {python} on {platform}")
        _try(lock, platform, python)


def _try(lock: str, platform: str, python: str) -> None:
    with tempfile.TemporaryDirectory() as empty:
        _uv(["pip", "install", "--dry-run", "--quiet", *to_install(lock, platform, python, Path(empty))])


def to_install(lock: str, platform: str, python: str, target: Path) -> list[str]:
    """uv's arguments that put a lock's packages for another machine into a folder: wheels only, with their hashes."""
    return [
        "--no-config",
        "--require-hashes",
        "--only-binary=:all:",
        f"--python-platform={platform}",
        f"--python-version={python}",
        f"--target={target}",
        f"--requirement={lock}",
    ]


def _uv(arguments: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"uv {arguments[0]} {arguments[1]} failed")


if __name__ == "__main__":
    main()
