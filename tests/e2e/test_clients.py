"""Clients that are generated from the served document compile, and walk the README's path.

`make test` installs the generators (`python -m dev.clients --install`).
"""

import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.clients import PYTHON, SOURCES
from dev.processes import PATIENCE
from dev.stack import Stack
from dev.tenant import Tenant
from tests.generated import compile_typescript, run, run_typescript

MYPY = (sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "--cache-dir", os.devnull)


@pytest.fixture
def document(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{tenant.ready['api_url']}/openapi.json", timeout=PATIENCE).json()
    return found


@pytest.fixture
def surroundings(stack: Stack, tenant: Tenant) -> dict[str, str]:
    """What a walk is told: the API, two tokens, a captured mailbox, and where its mail arrives."""
    address = tenant.agent("ann")
    tenant.connect(address, capture="everything", matched_to="project", unmatched="new")
    control = f"{stack.ready['simulator_url']}/_control"
    crm = str(uuid.uuid4())
    tenant.control.applications(crm, "its-secret", "Service")
    tenant.operator.call("PUT", "organisation", json={"services": [crm]})
    home = stack.ready["home_tenant_id"]
    return {
        "TOKEN_URL": f"{stack.ready['simulator_url']}/{home}/oauth2/v2.0/token",
        "CLIENT_ID": crm,
        "SECRET": "its-secret",
        "POSTLEDGER_CLIENT_ID": stack.ready["client_id"],
        "ORGANISATION": tenant.tenant_id,
        "API": stack.ready["api_url"],
        "ADMIN": tenant.admin.token,
        "AGENT": tenant.api_of(address, "Agent").token,
        "MAILBOX": address,
        "DELIVER": f"{control}/deliver?address={address}&folder=inbox",
        "NODE_EXTRA_CA_CERTS": stack.ready["ca_file"],
        "SSL_CERT_FILE": stack.ready["ca_file"],
    }


def check(output: str) -> None:
    seen = json.loads(output)
    assert [entry["subject"] for entry in seen["entries"]] == ["Keys", "Keys"]
    first, second = seen["thread"]
    assert (first, second[0]) == (["", 1], seen["entries"][1]["internet_message_id"])
    settings = ("capture", "matched_to", "unmatched", "matching_type", "enabled", "poll_minutes")
    before, after = ([seen[when][name] for name in settings] for when in ("before", "after"))
    assert before == ["everything", "project", "new", "address_and_subject", True, 10]
    assert after == [*before[:-1], 11], "one setting was changed, and nothing else"
    assert (seen["written"], seen["inbox"]) == (1, [])
    assert seen["refusal"] == "This needs the role Admin; the token has Agent."
    assert "put_mailbox" in seen["audited"]


def test_a_typescript_client_compiles_and_walks(
    document: dict[str, Any], surroundings: dict[str, str], tmp_path: Path
) -> None:
    compile_typescript(json.dumps(document), tmp_path)
    check(run_typescript("walk.js", surroundings, tmp_path))


def test_a_python_client_is_typed_and_walks(
    document: dict[str, Any], surroundings: dict[str, str], tmp_path: Path
) -> None:
    # The generator cannot tell a list from lines of JSON, where an operation takes either.
    del document["paths"]["/records"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    for name in ("python.yaml", "walk.py"):
        shutil.copy(SOURCES / name, tmp_path / name)
    env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    generate = (
        PYTHON / "python",
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        "openapi.json",
        "--meta",
        "none",
    )
    run(*generate, "--config", "python.yaml", "--output-path", "postledger_client", cwd=tmp_path, env=env)
    # Silent about the generator's own code, strict about what calls it.
    run(*MYPY, "--follow-imports=silent", "--python-executable", PYTHON / "python", "walk.py", cwd=tmp_path)
    check(run(PYTHON / "python", "walk.py", cwd=tmp_path, env=surroundings))
