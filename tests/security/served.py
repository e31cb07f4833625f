"""Every operation of the API, from the description that it serves: a new one is attacked without being named."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi.routing import APIRoute

from tests.builders import KEY
from tests.fakes import FakePorts
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Served

OPEN = {"get_health", "take_answer", "show_docs", "show_docs_script", "show_unsubscribe", "unsubscribe"}
PATH = {
    "kind": "contact",
    "id": "C-1",
    "attachment_id": "0",
    "address": "agent@contoso.example",
}
QUERY = {"explain": "?internet_message_id=<m1@fabrikam.example>", "replay_exceptions": "?code=Bug"}


def routes_of(app: Any) -> Iterator[APIRoute]:
    """Every API route, however deep FastAPI keeps it."""
    for one in app.routes:
        if isinstance(one, APIRoute):
            yield one
        elif hasattr(one, "original_router"):
            yield from routes_of(one.original_router)
        elif hasattr(one, "routes"):
            yield from routes_of(one)


@cache
def document() -> dict[str, Any]:
    """The description that is served; making it takes a second."""
    return Served(FakePorts(), Issuer()).api.openapi()


def name_of(operation: dict[str, Any]) -> str:
    """The route's name behind an operation's id."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", operation["operationId"])


def parameters_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation, those that it shares with others included."""
    shared = document()["components"]["parameters"]
    return [
        shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        for given in operation.get("parameters", ())
    ]


def every_operation() -> list[tuple[str, str, str]]:
    """(route's name, method, path below the prefix) of all guarded operations in the OpenAPI document."""
    paths = document()["paths"]
    found = []
    for path, operations in paths.items():
        for method, operation in operations.items():
            name = name_of(operation)
            ids = (
                {**PATH, "id": KEY}
                if any(one in path for one in ("messages", "exceptions", "inbox"))
                else PATH
            )
            if name not in OPEN:
                query = QUERY.get(name, "")
                found.append((name, method.upper(), path.format(**ids).removeprefix("/") + query))
    return found
