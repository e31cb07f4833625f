"""How a host process of an app is started: from this checkout, from another one, or from an unpacked release.

A release brings its packages, is served on the Python that they are for, and finds of this checkout the folder `dev`
and nothing else: what it lacks is missing here as it would be in Azure. Another checkout has an environment of its own.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.azurite import ROOT

PACKAGES: Final = Path(".python_packages", "lib", "site-packages")
# What the host itself needs; everything else is the app's.
_OF_HOST: Final = ("croniter", "uvicorn")
_COMPILED: Final = re.compile(r"\.cpython-(\d)(\d+)-")


@dataclass(frozen=True, slots=True)
class Launch:
    """A Python with its options, the folder that it starts in, and where it looks for modules ('' = as usual)."""

    python: tuple[str, ...]
    folder: Path
    path: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": self.path} if self.path else {}


def launch_of(app_dir: Path) -> Launch:
    """How to start the hosts of an app. Raises RuntimeError where there is no Python for its packages."""
    packages = app_dir / PACKAGES
    own = app_dir / ".venv" / "bin" / "python"
    if app_dir != ROOT and own.exists():
        tools = ROOT / ".deployed" / "checkout"
        _link_dev(tools)
        return Launch((str(own),), tools, f"{tools}:{app_dir}")
    if app_dir == ROOT or not packages.is_dir():
        return Launch((sys.executable,), ROOT)
    version = python_of(packages)
    tools = ROOT / ".deployed" / version
    _prepare(tools, version)
    # -S: nothing of the Python's own site-packages.
    return Launch((find_python(version), "-S"), tools, f"{tools}:{app_dir}:{packages}:{tools / 'packages'}")


def python_of(packages: Path) -> str:
    """The Python that compiled packages are for, as 3.12. Raises RuntimeError where none is compiled."""
    for path in packages.rglob("*.so"):
        if found := _COMPILED.search(path.name):
            return f"{found[1]}.{found[2]}"
    raise RuntimeError(f"{packages} holds no compiled package that says for which Python it is")


def find_python(version: str) -> str:
    """A Python of this version on this machine. Raises RuntimeError where there is none."""
    # A pyenv names what it has made, even where its own link of that name is switched off.
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for name in (sys.executable, f"python{version}", *map(str, kept)):
        program = shutil.which(name)
        if program and _version(program) == version:
            return program
    raise RuntimeError(f"Python {version}, which the release is for, is not installed")


def _version(program: str) -> str:
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-c", say], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _prepare(tools: Path, version: str) -> None:
    """A folder with `dev` in it, and the host's own packages in the locked versions."""
    _link_dev(tools)
    if not (tools / "packages" / "uvicorn").exists():
        install = ["-m", "uv", "pip", "install", "--no-config", "--quiet", "--only-binary=:all:"]
        where = [f"--python-version={version}", f"--target={tools / 'packages'}"]
        locked = [f"--constraint={ROOT / 'requirements-dev.lock'}", *_OF_HOST]
        done = subprocess.run([sys.executable, *install, *where, *locked], check=False)
        if done.returncode:
            raise RuntimeError("the host's own packages could not be installed")


def _link_dev(tools: Path) -> None:
    tools.mkdir(parents=True, exist_ok=True)
    link = tools / "dev"
    if not link.exists():
        link.symlink_to(ROOT / "dev")
