"""Reads HTTP/1.1 messages from raw streams, keeping their bytes as they came. Knows nothing of storage."""

import asyncio
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
CHUNK = 65_536


class ClosedError(Exception):
    """The peer closed the connection between two messages."""


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and headers of a message: the raw bytes, and what framing needs of them."""

    raw: bytes
    length: int
    chunked: bool
    expects_continue: bool
    closes: bool

    @property
    def start(self) -> list[str]:
        """The parts of the start line: method, target, version or version, status, reason."""
        return self.raw[: self.raw.index(b"\r\n")].decode("latin-1").split(" ", 2)

    def without_expect(self) -> bytes:
        """The raw head without `Expect`, for a peer that gets the body at once."""
        lines = self.raw.split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith(b"expect:"))


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next message's head. Raises ClosedError where the peer has ended the connection instead."""
    try:
        raw = await reader.readuntil(HEAD_END)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ClosedError from error
    lower = raw.lower()
    return Head(
        raw,
        length=int(_value(lower, b"\r\ncontent-length:") or 0),
        chunked=b"chunked" in _value(lower, b"\r\ntransfer-encoding:"),
        expects_continue=b"100-continue" in _value(lower, b"\r\nexpect:"),
        closes=b"close" in _value(lower, b"\r\nconnection:"),
    )


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """The whole body as it stands on the wire, chunk sizes included."""
    if not head.chunked:
        return await reader.readexactly(head.length) if head.length else b""
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        parts.append(line)
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            break
        parts.append(await reader.readexactly(size + 2))
    while parts[-1] != b"\r\n":  # trailers, and the empty line that ends them
        parts.append(await reader.readuntil(b"\r\n"))
    return b"".join(parts)


async def copy_body(reader: asyncio.StreamReader, head: Head, writer: asyncio.StreamWriter) -> None:
    """Pass a body with a known length on in pieces, for bodies too large to hold."""
    left = head.length
    while left:
        part = await reader.read(min(left, CHUNK))
        if not part:
            raise ConnectionResetError("the peer closed within a body")
        left -= len(part)
        writer.write(part)
        await writer.drain()


def _value(lower: bytes, name: bytes) -> bytes:
    start = lower.find(name)
    if start < 0:
        return b""
    start += len(name)
    return lower[start : lower.index(b"\r\n", start)].strip()
