"""Another commit's working copy, and any copy's stack: what two commits are measured against each other with."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev.azurite import ROOT
from dev.processes import Child, wait_for_ready

KEPT = ROOT / ".against"
# In place of a commit: see `previous`.
PREVIOUS = "previous"
_MAINS = ("origin/main", "main")


def checkout(commit: str) -> Path:
    """The files of a commit under `.against`, with this copy's Azurite. Raises SystemExit for no commit."""
    asked = ["git", "rev-parse", "--verify", "--short=12", f"{commit}^{{commit}}"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"{commit} is no commit of this repository")
    directory = KEPT / found.stdout.strip()
    if not (directory / ".whole").exists():
        directory.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)
        (directory / ".azurite").symlink_to(ROOT / ".azurite")
        (directory / ".whole").touch()
    return directory


def previous(root: Path = ROOT) -> str:
    """What this commit follows: the newest release before it; where there is none, what it has in common with main.

    On main that is the commit before it.
    """
    release = _said(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^")
    forks = (_said(root, "merge-base", "HEAD^", main) for main in _MAINS)
    return release or next(filter(None, forks), "HEAD^")


def _said(root: Path, *command: str) -> str:
    """What git says; '' where it has nothing to say."""
    done = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@contextmanager
def stack_of(root: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """`dev.up` of a working copy, run by this interpreter: what its ready file says. Stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="postledger-against-") as name:
        directory = Path(name)
        ready = directory / "ready.json"
        command = [sys.executable, "-m", "dev.up", "--ready-file", str(ready), "--no-timers", *arguments]
        env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        child = Child.start(f"dev.up of {root.name}", command, log=directory / "up.log", env=env, cwd=root)
        try:
            yield wait_for_ready(child, ready)
        finally:
            child.process.send_signal(signal.SIGTERM)
            child.stop(grace=40)
