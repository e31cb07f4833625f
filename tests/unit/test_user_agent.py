"""Every request that leaves carries our name and version."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.telemetry import user_agent

ADAPTERS = Path(__file__).resolve().parents[2] / "shared" / "adapters"
# What opens connections: a module that calls one of these names us.
OPENING = {
    "get",
    "put",
    "post",
    "request",
    "Session",
    "urlopen",
    "ManagedIdentityCredential",
    "TableServiceClient",
    "BlobServiceClient",
    "QueueClient",
    "ConfidentialClientApplication",
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    kept = dict(user_agent._named)
    yield
    user_agent._named.update(kept)


def opens_connections(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if owner in ("requests", "httpx", "msal", "request") and called.attr in OPENING:
                return True
        if isinstance(called, ast.Name) and called.id in OPENING - {"get", "put", "post", "request"}:
            return True
    return False


def test_the_name_says_the_version() -> None:
    user_agent.name_version("1.4.0")
    assert user_agent.user_agent() == "Postledger/1.4.0"
    user_agent.name_version("")
    assert user_agent.user_agent() == "Postledger"


def test_whatever_opens_a_connection_says_who_asks() -> None:
    opening = [
        path
        for path in sorted(ADAPTERS.rglob("*.py"))
        if opens_connections(ast.parse(path.read_text("utf-8")))
    ]
    assert len(opening) >= 5
    assert [path.name for path in opening if "user_agent()" not in path.read_text("utf-8")] == []
