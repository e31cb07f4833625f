"""The proxy's own port: `/stats` tells and clears what was counted, `/dam` sets, shows and lifts the dam, `/faults`
shows the shares of faults in use.
"""

import asyncio
import json
from typing import Final

from dev.storage_proxy.dam import Mark
from dev.storage_proxy.forwarding import Instruments
from dev.storage_proxy.framing import ClosedError, Head, read_body, read_head

Answer = tuple[str, object]
_OK: Final = "200 OK"


class Control:
    """Shows and sets one proxy's instruments."""

    def __init__(self, instruments: Instruments) -> None:
        self._counts = instruments.counts
        self._dam = instruments.dam
        self._faults = instruments.faults

    async def listen(self) -> int:
        """Start serving on a free loopback port; says which."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await read_head(reader)
                status, content = self._answer(head, await read_body(reader, head))
                text = json.dumps(content).encode()
                size = f"content-type: application/json\r\ncontent-length: {len(text)}"
                writer.write(f"HTTP/1.1 {status}\r\n{size}\r\n\r\n".encode() + text)
                await writer.drain()
        except (ClosedError, ConnectionError):
            writer.close()

    def _answer(self, head: Head, body: bytes) -> Answer:
        method, target, _ = head.start
        if target == "/stats" and method in {"GET", "DELETE"}:
            return self._stats(method)
        if target == "/dam" and method in {"GET", "PUT", "DELETE"}:
            return self._on_dam(method, body)
        if target == "/faults" and method == "GET":
            return _OK, self._faults.as_json()
        return "404 Not Found", {}

    def _stats(self, method: str) -> Answer:
        content = self._counts.as_json()
        if method == "DELETE":
            self._counts.clear()
        return _OK, content

    def _on_dam(self, method: str, body: bytes) -> Answer:
        if method == "PUT":
            try:
                self._dam.set(Mark.from_json(json.loads(body)))
            except ValueError as error:
                return "400 Bad Request", {"error": str(error)}
        if method == "DELETE":
            self._dam.lift()
        return _OK, {"closed": self._dam.is_closed, "waiting": self._dam.waiting}
