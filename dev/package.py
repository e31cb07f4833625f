"""Builds a release: `make package`. Writes `dist/postledger-VERSION.zip`, and beside it what it is made of.

The zip is what `azd deploy --from-package` hands to Azure: the app, and the packages of requirements.lock for Azure's
machine and Python. The same commit gives the same bytes in any folder; its hash is printed. Beside it stand a bill of
materials (CycloneDX) and the licences of what is inside.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dev.azurite import ROOT
from dev.bill import bill_of, licences_of

# What runs in Azure. Everything else of the project stays out: tests, tools, documents, templates.
FILES: Final = ("LICENSE", "function_app.py", "host.json", "requirements.lock", "requirements.txt")
CODE: Final = "shared"
PACKAGES: Final = ".python_packages"
# The first moment that a zip can tell: a build's own time would make each build another one.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644


def main() -> None:
    """Build, write, and print each file's hash."""
    parser = argparse.ArgumentParser(prog="python -m dev.package", description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="where the release is written")
    parser.add_argument("--python", default="", help="for another Python than Azure's, to try it here")
    given = parser.parse_args()
    for path in build(given.into.resolve(), given.python):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


def build(folder: Path, python: str = "") -> list[Path]:
    """The files of the release, written into the folder. Exits with the build's words where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        packages, stamp = Path(work, PACKAGES), Path(work, "build.json")
        command = [str(ROOT / "infra/scripts/build.sh"), "--into", str(packages), "--stamp", str(stamp)]
        if subprocess.run([*command, *(["--python", python] if python else [])], check=False).returncode:
            sys.exit("the build failed")
        return _write(folder, packages, stamp)


def version() -> str:
    """The version of this checkout."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(content["project"]["version"])


def _write(folder: Path, packages: Path, stamp: Path) -> list[Path]:
    name = f"postledger-{version()}"
    content = {**_own_files(), **_installed(packages), f"{CODE}/build.json": stamp.read_bytes()}
    site = packages / "lib" / "site-packages"
    written = [folder / f"{name}.zip", folder / f"{name}.cdx.json", folder / f"{name}-licences.txt"]
    _zip(written[0], content)
    bill = json.dumps(bill_of(site, version()), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    written[1].write_text(bill, "utf-8", newline="\n")
    written[2].write_text(licences_of(site), "utf-8", newline="\n")
    return written


def _own_files() -> Mapping[str, bytes]:
    """The app as it is committed; what lies about in a checkout is no part of a release."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", CODE, *FILES], cwd=ROOT, capture_output=True, check=True
    )
    names = sorted(listed.stdout.decode().split("\0")[:-1])
    return {name: (ROOT / name).read_bytes() for name in names}


def _installed(packages: Path) -> Mapping[str, bytes]:
    """The packages, without their commands: those name the Python of the machine that built them."""
    return {f"{PACKAGES}/{name}": _steady(name, content) for name, content in _files(packages)}


def _files(packages: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(packages.rglob("*")):
        inner = path.relative_to(packages / "lib" / "site-packages").parts if path.is_file() else ()
        is_hidden = bool(inner) and inner[0].startswith(".")
        if inner and inner[0] != "bin" and "__pycache__" not in inner and not is_hidden:
            yield path.relative_to(packages).as_posix(), path.read_bytes()


def _steady(name: str, content: bytes) -> bytes:
    """A package's list of its own files without the commands, whose hashes differ by machine."""
    if not name.endswith(".dist-info/RECORD"):
        return content
    kept = [
        line for line in content.splitlines(keepends=True) if not line.startswith((b"bin/", b"../../bin/"))
    ]
    return b"".join(kept)


def _zip(path: Path, content: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system, entry.external_attr = 3, _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content[name])


if __name__ == "__main__":
    main()
