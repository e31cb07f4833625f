"""Which build runs: its version, the commit it was packed from, and the Python that runs it.

Packing writes the first two beside the code; a checkout has its version in pyproject.toml, and no commit.
"""

import json
import platform
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from shared.domain.build import Build

_SHARED: Final = Path(__file__).resolve().parents[1]
STAMP: Final = _SHARED / "build.json"
PROJECT: Final = _SHARED.parent / "pyproject.toml"


@cache
def build() -> Build:
    """The build of this process."""
    return read(STAMP, PROJECT)


def read(stamp: Path, project: Path) -> Build:
    """What the stamp says, or else the project file; a version that neither knows is 'unknown'."""
    python = platform.python_version()
    if stamp.exists():
        said = json.loads(stamp.read_text("utf-8"))
        return Build(said["version"], said["commit"], python)
    if project.exists():
        return Build(tomllib.loads(project.read_text("utf-8"))["project"]["version"], "", python)
    return Build("unknown", "", python)
