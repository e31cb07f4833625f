"""Calls an ASGI app in this thread, without the layers of an HTTP client: a call costs less than half."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@dataclass
class Answer:
    """What came back."""

    status_code: int
    headers: Headers
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Direct:
    """A client of one app. Headers, paths and bodies go as they are given, so that they may be what no client sends."""

    app: ASGIApp

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        path, _, query = url.partition("?")
        query = "&".join(filter(None, (query, urlencode(params or {}, doseq=True))))
        body = _encoded(json) if content is None else content
        body = body.encode() if isinstance(body, str) else body
        named = {"host": "testserver", **(headers or {})}
        if json is not None:
            named = {"content-type": "application/json", **named}
        return _loop().run_until_complete(self._call(method, path, query, named, body))

    async def _call(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        received: list[Message] = []
        bodies = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if bodies:
                return bodies.pop()
            await asyncio.Event().wait()  # the client stays until it is answered
            raise AssertionError

        async def send(message: Message) -> None:
            received.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode("utf-8", "surrogateescape"),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("utf-8", "surrogateescape"))
                for name, value in headers.items()
            ],
            "client": ("testclient", 1),
            "server": ("testserver", 443),
            "state": {},
        }
        await self.app(scope, receive, send)
        [start] = [message for message in received if message["type"] == "http.response.start"]
        parts = (message.get("body", b"") for message in received)
        return Answer(start["status"], Headers(raw=start["headers"]), b"".join(parts))


def _encoded(value: object) -> bytes:
    return b"" if value is None else json.dumps(value).encode()
