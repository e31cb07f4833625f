"""Tools from npm that judge what we publish: Spectral the API's description, Microsoft's parser the queries."""

import json
import subprocess
from pathlib import Path

import pytest

from dev.clients import PACKAGES
from dev.infra_check import kusto_problems
from dev.node import find_node
from tests.unit.api.conftest import api, issuer, storage
from tests.unit.api.wiring import Api

pytestmark = pytest.mark.stack
__all__ = ["api", "issuer", "storage"]

RULES = Path(__file__).parent / "spectral.yaml"


def judged(document: Path) -> list[str]:
    """What Spectral finds, hints included."""
    node = find_node()
    assert node
    spectral = PACKAGES / "@stoplight" / "spectral-cli" / "dist" / "index.js"
    command = [node.program, str(spectral), "lint", str(document), "--ruleset", str(RULES), "--format=json"]
    done = subprocess.run(
        [*command, "--fail-severity=hint", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return [f"{found['code']} at {'.'.join(map(str, found['path']))}" for found in json.loads(done.stdout)]


def test_spectral_finds_nothing_in_the_description(api: Api, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(api.get("openapi.json").text)
    assert judged(document) == []


def test_spectral_does_find_what_is_wrong(api: Api, tmp_path: Path) -> None:
    content = api.get("openapi.json").json()
    del content["info"]["contact"]
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(content))
    assert judged(document) == ["info-contact at info"]


def test_microsoft_s_parser_finds_nothing_in_the_queries() -> None:
    assert kusto_problems(PACKAGES) == []


def test_microsoft_s_parser_does_find_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.kql").write_text("AppTraces | where tostring(said.by) == 'tick'")
    assert kusto_problems(PACKAGES, tmp_path)
