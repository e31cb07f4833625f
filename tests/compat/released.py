"""Which versions are released, and what their fixtures were when they were written."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
HASHES: Final = FOLDER / "hashes.json"
_CHANGELOG: Final = FOLDER.parent.parent / "CHANGELOG.md"
_HEADING: Final = re.compile(r"^## \[(\d+\.\d+\.\d+)\]", re.MULTILINE)


def released() -> list[str]:
    """The versions that the changelog names, newest first."""
    return _HEADING.findall(_CHANGELOG.read_text("utf-8"))


def is_released(version: str) -> bool:
    return version in released()


def versions() -> list[str]:
    """Those that have fixtures."""
    return sorted(path.parent.name for path in FOLDER.glob("*/rows.jsonl"))


def hashes() -> dict[str, dict[str, str]]:
    """Of each file, by version."""
    return {version: _hashes_in(FOLDER / version) for version in versions()}


def noted() -> None:
    """Write the hashes down, as the fixtures are now."""
    HASHES.write_text(json.dumps(hashes(), indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


def _hashes_in(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
