"""The two sides of `make skew`: an older commit with an environment of its own, and this copy with the next version's
patch on it. Mistakes are planted in either; the product's own files stay as they are.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.checkout import checkout
from dev.azurite import ROOT

KEPT: Final = ROOT / ".skew"
PATCH: Final = ROOT / "tests" / "compat" / "next.patch"
_LOCK: Final = "requirements-dev.lock"
_APP: Final = ("shared", "function_app.py", "host.json", "pyproject.toml", _LOCK)
_STORES: Final = "shared/adapters/storage/stores"

# By name: the side that has it, and what stands where in its files.
PLANTS: Final[Mapping[str, tuple[str, tuple[tuple[str, str, str], ...]]]] = {
    "retyped-column": (
        "next",
        (
            (f"{_STORES}/pending.py", '"tries": row.tries,', '"tries": str(row.tries),'),
            (f"{_STORES}/pending.py", '"tries": row["tries"]}', '"tries": int(row["tries"])}'),
            (f"{_STORES}/pending.py", '"tries": row.tries + 1}', '"tries": str(row.tries + 1)}'),
        ),
    ),
    "renamed-member": (
        "next",
        (
            (
                "shared/domain/commands/envelope.py",
                "        return json.dumps(content, separators",
                '        content = {("mails" if name == "items" else name): value for name, value in content.items()}\n'
                "        return json.dumps(content, separators",
            ),
            (
                "shared/domain/commands/envelope.py",
                "            content = json.loads(text)\n            if content",
                "            content = json.loads(text.replace('\"mails\":', '\"items\":'))\n            if content",
            ),
        ),
    ),
    "written-by-replace": (
        "old",
        (
            (
                "shared/adapters/storage/table.py",
                'Operation("merge" if etag else "create", row, etag)',
                'Operation("replace" if etag else "create", row, etag)',
            ),
        ),
    ),
}


def old_build(commit: str, plant: str) -> Path:
    """The app of a commit, and a Python with the packages of its lock. Raises SystemExit for no commit."""
    found = checkout(commit)
    folder = _fresh(f"old-{plant}" if plant else "old", found)
    _give_environment(folder)
    _plant(folder, "old", plant)
    return folder


def next_build(plant: str) -> Path:
    """This copy's app as the next version may have it: a column, a command, an envelope, a kind of row, a form."""
    folder = _fresh(f"next-{plant}" if plant else "next", ROOT)
    place = folder.relative_to(ROOT)
    _run("git", "apply", f"--directory={place}", str(PATCH))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    _plant(folder, "next", plant)
    return folder


def _fresh(name: str, source: Path) -> Path:
    folder = KEPT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in _APP:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / part, folder / part)
    return folder


def _give_environment(folder: Path) -> None:
    """This copy's, where it is what the commit's lock names; else one that is kept for the next time."""
    lock = (folder / _LOCK).read_bytes()
    if lock == (ROOT / _LOCK).read_bytes():
        (folder / ".venv").symlink_to(ROOT / ".venv")
        return
    kept = KEPT / "environment"
    known = kept / _LOCK
    if not known.exists() or known.read_bytes() != lock:
        shutil.rmtree(kept, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(kept))
        pip = (str(kept / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-qq", "install")
        _run(*pip, "--require-hashes", "-r", str(folder / _LOCK))
        known.write_bytes(lock)
    (folder / ".venv").symlink_to(kept)


def _plant(folder: Path, side: str, name: str) -> None:
    if not name or PLANTS[name][0] != side:
        return
    for path, before, after in PLANTS[name][1]:
        text = (folder / path).read_text("utf-8")
        if before not in text:
            raise SystemExit(f"{path} no longer says {before!r}: mend the plant {name}")
        (folder / path).write_text(text.replace(before, after), "utf-8")


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr}")
