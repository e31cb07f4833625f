"""One listening port per storage service: passes each request on to Azurite, counted and at times failed."""

import asyncio
import socket
import struct
import time
from dataclasses import dataclass, field

from dev.storage_proxy.counting import EMPTY_POLL, PUT, Counts, Request
from dev.storage_proxy.dam import Dam
from dev.storage_proxy.faults import BUSY, REPLY_LOST, UNDELETED, Faults
from dev.storage_proxy.framing import ClosedError, Head, copy_body, read_body, read_head

LIMIT = 1 << 20  # bytes of a head
HELD = 1 << 18  # a longer response body is passed on in pieces
IDLE = 3.0  # Node closes a connection after 5 s without a request; one that old is not used again

_BUSY_XML = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code>'
    b"<Message>The server is currently unable to receive requests.</Message></Error>"
)
_BUSY_JSON = (
    b'{"odata.error":{"code":"ServerBusy","message":{"lang":"en-US","value":'
    b'"The server is currently unable to receive requests."}}}'
)


@dataclass(slots=True)
class Upstream:
    """One connection to Azurite and when it was last used."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: float
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Instruments:
    """What looks at every request, whichever service it is for."""

    counts: Counts = field(default_factory=Counts)
    faults: Faults = field(default_factory=Faults)
    dam: Dam = field(default_factory=Dam)


class Forwarder:
    """Serves one storage service's port."""

    def __init__(self, service: str, port: int, instruments: Instruments) -> None:
        self._service = service
        self._port = port
        self._instruments = instruments
        self._idle: list[Upstream] = []

    async def listen(self) -> int:
        """Start serving on a free loopback port; says which."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LIMIT, backlog=512)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await read_head(reader)
                if head.expects_continue:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await read_body(reader, head)
                if await self._instruments.dam.passed() and _is_gone(reader):
                    break
                await self._exchange(head, body, writer)
                await writer.drain()
                if head.closes:
                    break
        except (ClosedError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, or its answer was lost on purpose
        finally:
            writer.close()

    async def _exchange(self, head: Head, body: bytes, writer: asyncio.StreamWriter) -> None:
        method, target, _ = head.start
        counts = self._instruments.counts
        request = Request(self._service, method, target, body)
        is_deletion = self._service == "queue" and method == "DELETE"
        fault = self._instruments.faults.next(is_deletion=is_deletion)
        if fault:
            counts.fault(fault)
        if fault in (BUSY, UNDELETED):
            counts.request(request, empty_poll=False)
            writer.write(_busy_answer(self._service, method))
            return
        sent = (head.without_expect() if head.expects_continue else head.raw) + body
        self._instruments.dam.written(self._service, method, sent)
        upstream, answer = await self._ask(sent)
        bodiless = method == "HEAD" or answer.start[1] in {"204", "304"}
        large = not bodiless and not answer.chunked and answer.length > HELD and fault is None
        content = b"" if bodiless or large else await read_body(upstream.reader, answer)
        empty = request.name == EMPTY_POLL and answer.start[1] == "200" and b"<QueueMessage>" not in content
        counts.request(request, empty_poll=empty)
        if request.name == PUT and answer.start[1] == "201":
            counts.delayed.put(target, body)
        if fault == REPLY_LOST:
            self._release(upstream, answer)
            _reset(writer)
            raise ConnectionResetError("answer lost on purpose")
        writer.write(answer.raw + content)
        if large:
            await copy_body(upstream.reader, answer, writer)
        self._release(upstream, answer)

    async def _ask(self, request: bytes) -> tuple[Upstream, Head]:
        """Send a request and read its answer's head; again where a kept connection had been closed."""
        while True:
            upstream = await self._connection()
            try:
                upstream.writer.write(request)
                answer = await read_head(upstream.reader)
                while answer.start[1].startswith("1"):
                    answer = await read_head(upstream.reader)
            except (ClosedError, ConnectionError):
                upstream.writer.close()
                if upstream.fresh:
                    raise
            else:
                return upstream, answer

    async def _connection(self) -> Upstream:
        now = time.monotonic()
        while self._idle:
            upstream = self._idle.pop()
            if now - upstream.used < IDLE and not upstream.reader.at_eof():
                return upstream
            upstream.writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LIMIT)
        return Upstream(reader, writer, now)

    def _release(self, upstream: Upstream, answer: Head) -> None:
        if answer.closes:
            upstream.writer.close()
            return
        upstream.used, upstream.fresh = time.monotonic(), False
        self._idle.append(upstream)


def _is_gone(reader: asyncio.StreamReader) -> bool:
    """Whether the process behind a connection was killed."""
    return reader.at_eof() or reader.exception() is not None


def _busy_answer(service: str, method: str) -> bytes:
    content, kind = (_BUSY_JSON, "application/json") if service == "table" else (_BUSY_XML, "application/xml")
    head = (
        "HTTP/1.1 503 The server is busy.\r\nx-ms-error-code: ServerBusy\r\n"
        f"content-type: {kind}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else content)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
