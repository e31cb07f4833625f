"""The octets between a server and us: encrypted, in time, and never more than was asked for.

Below `imaplib`, whose readers wait for ever and take what a server says it will send.
"""

import imaplib
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError
from imapclient.imapclient import _normalise_search_criteria

from shared.adapters.imap import answers

# A line that is longer is no answer (imaplib has the same).
LONGEST_LINE: Final = 1_000_000
SILENCE: Final = 30.0
LONGEST_COMMAND: Final = 300.0
_ROOM: Final = 16 * 1024 * 1024
_CHUNK: Final = 65_536
_WITHOUT_TEXT: Final = re.compile(rb"[A-Z]{4}\d+ (?:OK|NO|BAD)\r?\n", re.IGNORECASE)


class Dial(Protocol):
    """Opens a connection to a host, to none but such as may be reached."""

    def __call__(self, host: str, port: int) -> socket.socket: ...


class Wire:
    """Reads a socket until a deadline. `pending` is what has come and nobody has read."""

    def __init__(self, sock: socket.socket, clock: Callable[[], float], silence: float) -> None:
        self._socket = sock
        self._clock = clock
        self._silence = silence
        self._buffer = bytearray()
        self.deadline = clock() + LONGEST_COMMAND

    @property
    def pending(self) -> int:
        return len(self._buffer)

    def readline(self, limit: int = LONGEST_LINE) -> bytes:
        """A line with its end; what there is where the other side hung up."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit or not self._more():
                return self._taken(searched)
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size and self._more():
            pass
        return self._taken(min(size, len(self._buffer)))

    def close(self) -> None:
        self._buffer.clear()

    def _more(self) -> bool:
        left = self.deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the command takes too long")
        self._socket.settimeout(min(self._silence, left))
        came = self._socket.recv(_CHUNK)
        self._buffer += came
        return bool(came)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class _Imap4(imaplib.IMAP4):
    """`imaplib` over a `Wire`. Says nothing to any log: lines may hold passwords."""

    def __init__(self, client: "WiredClient", host: str, port: int) -> None:
        self._client = client
        self.room = _ROOM
        super().__init__(host, port)
        # Names of folders go back octet by octet, whatever a server calls them.
        self._encoding = "latin-1"

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002
        self.host, self.port = host, port
        sock = self._client.dial(host, port)
        self._attach(
            self._client.context.wrap_socket(sock, server_hostname=host) if self._client.is_tls else sock
        )

    def _attach(self, sock: socket.socket) -> None:
        self.sock = sock
        self._wire = Wire(sock, time.monotonic, self._client.silence)

    def read(self, size: int) -> bytes:
        self.room -= size
        if self.room < 0:
            raise self.abort("the answer is longer than what was asked for")
        return self._wire.read(size)

    def readline(self) -> bytes:
        line = self._wire.readline()
        self.room -= len(line)
        if len(line) > LONGEST_LINE or self.room < 0:
            raise self.abort("the answer is longer than what was asked for")
        # Some servers end a command without the text that has to follow.
        return line.rstrip() + b" \r\n" if _WITHOUT_TEXT.fullmatch(line) else line

    def allow(self, octets: int) -> None:
        """What the next command may be answered with, and a new time for it."""
        self.room = octets + _ROOM
        self._wire.deadline = time.monotonic() + LONGEST_COMMAND

    def shutdown(self) -> None:
        self._wire.close()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        finally:
            self.sock.close()

    def starttls(  # type: ignore[override]
        self,
        ssl_context: ssl.SSLContext | None = None,  # noqa: ARG002
    ) -> tuple[str, list[Any]]:
        """Raises `abort` where lines came before the encryption that were to pass for lines within it."""
        kind, data = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error("STARTTLS is refused")
        if self._wire.pending:
            raise self.abort("lines were sent ahead of the encryption")
        self._attach(self._client.context.wrap_socket(self.sock, server_hostname=self.host))
        self._tls_established = True
        self.untagged_responses = {}
        self._get_capabilities()
        return kind, data

    if __debug__:

        def _mesg(self, s: str, secs: float | None = None) -> None:
            pass

        def _log(self, line: str) -> None:
            pass


class WiredClient(IMAPClient):  # type: ignore[misc]
    """An IMAPClient whose connection is ours."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        is_tls: bool,
        dial: Dial,
        context: ssl.SSLContext,
        silence: float = SILENCE,
    ) -> None:
        self.dial, self.context, self.is_tls, self.silence = dial, context, is_tls, silence
        super().__init__(host, port, ssl=is_tls)
        # It logs every line at level 5; none of them belongs into a log.
        self._imap.debug = 0
        self.folder_encode = False
        self.normalise_times = False

    def allow(self, octets: int = 0) -> None:
        self._imap.allow(octets)

    def rows(self, span: str, items: Sequence[str]) -> Mapping[int, Mapping[bytes, Any]]:
        """FETCH by number."""
        tag = self._imap._command("UID", "FETCH", span, f"({' '.join(items)})")
        self._checkok("fetch", *self._imap._command_complete("FETCH", tag))
        _, data = self._imap._untagged_response("OK", None, "FETCH")
        return answers.rows(data)

    def listing(self) -> list[answers.Line]:
        """Every folder that the server lists."""
        kind, data = self._imap._simple_command("LIST", '""', '"*"')
        self._checkok("list", kind, data)
        return answers.folders(self._imap._untagged_response(kind, data, "LIST")[1])

    def prefixes(self) -> list[tuple[bytes, ...]]:
        """The prefixes of own, other and shared namespaces; none where the answer is not to be read."""
        told = self._command_and_check("namespace")
        try:
            return answers.prefixes(told)
        except (ValueError, ProtocolError):
            return []

    def _search(self, criteria: object, charset: str | None) -> list[int]:
        """The library takes an answer of one line alone."""
        words = _normalise_search_criteria(criteria, charset)
        return answers.numbers(self._raw_command_untagged(b"SEARCH", words))

    @property
    def is_signed_in(self) -> bool:
        """Whether the server took us for somebody before anybody signed in (PREAUTH)."""
        return bool(self._imap.state != "NONAUTH")

    def _create_IMAP4(self) -> _Imap4:  # noqa: N802 - the library's name
        return _Imap4(self, self.host, self.port)

    def _set_read_timeout(self) -> None:
        """The wire has its own."""
