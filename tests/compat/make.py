"""Writes the fixtures of this version: `python -m tests.compat.make`. A released version's are never written again."""

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dev.azurite import start_azurite
from dev.description import description
from dev.package import version
from tests.compat.released import is_released, noted
from tests.compat.store import filled
from tests.compat.written import (
    BLOBS,
    COMMANDS_FILE,
    DESCRIPTION,
    FOLDER,
    PUBLIC_URL,
    ROWS,
    TEXTS,
    blobs_of,
    commands,
    rows_of,
    texts,
)
from tests.contract.conftest import provision


def make(folder: Path) -> None:
    """All that this version writes, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, start_azurite(Path(place) / "azurite.log") as azurite:
        provision(azurite.connection_string)
        storage = filled(azurite.connection_string).storage
        _write(folder / ROWS, map(_line, rows_of(storage)))
        _write(folder / BLOBS, map(_line, blobs_of(storage)))
    _write(folder / COMMANDS_FILE, map(_line, commands()))
    _write(folder / TEXTS, [json.dumps(texts(), indent=1)])
    _write(folder / DESCRIPTION, [json.dumps(description(PUBLIC_URL), sort_keys=True)])


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def main() -> str | None:
    """The reason why nothing was written, if there is one."""
    current = version()
    if is_released(current):
        return f"{current} is released: raise the version in pyproject.toml first."
    make(FOLDER / current)
    noted()
    return None


if __name__ == "__main__":
    sys.exit(main())
