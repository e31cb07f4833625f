"""The import contracts refuse what they promise to refuse: each is shown a planted violation."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.processes import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
ONE_WAY = "Imports point one way"
NO_SETTINGS = "Triggers and API never see adapters or settings"
NO_IO = "Services and domain do no I/O"
PURE = "The domain has no log, no clock, no environment and no chance"
APART = "No adapter knows another"
NO_TOOLS = "Development tools stay outside the product"

PLANTED = [
    (ONE_WAY, "shared/domain/mail/addresses.py", "import shared.services.filing.ingest"),
    (ONE_WAY, "shared/services/filing/ingest.py", "import shared.adapters.graph.mail"),
    (ONE_WAY, "shared/domain/mail/addresses.py", "import shared.telemetry"),
    (NO_SETTINGS, "shared/api/app.py", "import shared.config"),
    (NO_SETTINGS, "shared/triggers/queue.py", "import shared.adapters.storage.queue"),
    (NO_IO, "shared/services/filing/ingest.py", "import requests"),
    (NO_IO, "shared/services/capture/sync.py", "from http.client import HTTPSConnection"),
    (NO_IO, "shared/domain/mail/addresses.py", "import socket"),
    (NO_IO, "shared/ports/work.py", "from azure.storage.queue import QueueClient"),
    (NO_IO, "shared/services/capture/sync.py", "import imaplib"),
    (PURE, "shared/domain/mail/addresses.py", "import logging"),
    (PURE, "shared/domain/capture/windows.py", "from time import monotonic"),
    (PURE, "shared/domain/mail/codes.py", "from os import environ"),
    (PURE, "shared/domain/mail/codes.py", "import random"),
    (APART, "shared/adapters/graph/mail.py", "import shared.adapters.secrets.sealing"),
    (APART, "shared/adapters/entra.py", "import shared.adapters.storage.connection"),
    (NO_TOOLS, "shared/services/filing/ingest.py", "import dev.seed"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's code apart from the working tree, and of the tools no more than a name."""
    place = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "shared", place / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    (place / "dev").mkdir()
    (place / "dev" / "__init__.py").touch()
    (place / "dev" / "seed.py").touch()
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


@contextmanager
def planted(copy: Path, name: str, statement: str) -> Iterator[None]:
    module = copy / name
    text = module.read_text("utf-8")
    module.write_text(f"{text}\n{statement}\n", "utf-8")
    try:
        yield
    finally:
        module.write_text(text, "utf-8")


def broken(copy: Path) -> set[str]:
    """The contracts that are broken there."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    lines = done.stdout.splitlines()
    assert f"{ONE_WAY} KEPT" in lines or f"{ONE_WAY} BROKEN" in lines, done.stdout + done.stderr
    found = {line.partition(" BROKEN")[0] for line in lines if " BROKEN" in line}
    assert bool(found) == bool(done.returncode)
    return found


def test_the_code_keeps_every_contract(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(("contract", "module", "statement"), PLANTED)
def test_a_planted_violation_is_refused(copy: Path, contract: str, module: str, statement: str) -> None:
    with planted(copy, module, statement):
        assert contract in broken(copy)
