"""Lets a handler cut the connection it is answering on, as a network would. Leans on uvicorn's HTTP/1.1 protocol."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class ConnectionLost(Exception):
    """The answer never arrives: the connection is cut after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the connection is cut")
        self.seconds = seconds


class CuttableProtocol(H11Protocol):
    """Remembers its transport under the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


def cut(scope: MutableMapping[str, Any]) -> None:
    """Aborts the connection of this request without an answer."""
    transport = _OPEN.pop(tuple(scope["client"]), None)
    if transport is not None:
        transport.abort()
