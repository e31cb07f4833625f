"""Microsoft Graph as a function of the request: mounted on a session, no socket is opened."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from shared.adapters.graph.session import GraphSession

GRAPH = "https://graph.microsoft.com"
FIXTURES = Path(__file__).parent / "fixtures" / "graph"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body` is JSON unless it is bytes."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it reached the wire; `target` is path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any


Answers = Reply | Exception | Callable[[Asked], "Reply | Exception"]


class FakeGraph(BaseAdapter):
    """Gives the answers in order, the last one for ever; a function decides for itself."""

    def __init__(self, *answers: Answers) -> None:
        super().__init__()
        self._answers: Iterator[Answers] = iter([*answers, *[answers[-1]] * 100])
        self.asked: list[Asked] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        body = json.loads(request.body) if request.body else None
        asked = Asked(request.method or "", request.path_url, dict(request.headers), body)
        self.asked.append(asked)
        answer = next(self._answers)
        answer = answer(asked) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        data = answer.body if isinstance(answer.body, bytes) else _written(answer.body)
        raw = HTTPResponse(
            BytesIO(data), headers=dict(answer.headers), status=answer.status, preload_content=False
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class FakeTokens:
    """Numbers its tokens: a forgotten one is followed by the next."""

    number: int = 1

    def token(self, tenant_id: str) -> str:
        return f"{tenant_id}-{self.number}"

    def forget(self, tenant_id: str) -> None:
        self.number += 1


def _written(body: object) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def session_with(graph: FakeGraph) -> GraphSession:
    """A session whose network is `graph`."""
    session = GraphSession(GRAPH, FakeTokens())
    session.http.mount(GRAPH, graph)
    session.http.mount(GRAPH + "/", graph)
    return session


def error(status: int, code: str, *, retry_after: str = "", message: str = "") -> Reply:
    """A refusal in Graph's envelope."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Reply({"error": {"code": code, "message": message}}, status, headers)


def fixture(name: str) -> Any:
    """A payload file."""
    return json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
