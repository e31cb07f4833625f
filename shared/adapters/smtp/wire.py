"""The octets between a submission server and us: encrypted, in time, and each reply for what it is.

Below `smtplib`, whose readers wait for ever and give a broken reply the code of a refusal.
"""

import re
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from shared.adapters.imap.accounts import STARTTLS, Account
from shared.adapters.imap.wire import Dial, Wire

SILENCE: Final = 30.0
# RFC 5321 section 4.5.3.2.6 grants ten minutes; a worker has no such time, and looks for the mail behind it.
FINAL_SILENCE: Final = 180.0
_LONGEST_LINE: Final = 4_096
_MOST_LINES: Final = 200
_CHUNK: Final = 256 * 1024
_REPLY: Final = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
# A mail program's; servers want a name there and look at the sign-in.
_CALLS_ITSELF: Final = "[127.0.0.1]"


class Lost(Exception):
    """The line is gone, or what comes over it is no reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply: its code, and its lines as one text."""

    code: int
    text: str = ""

    @property
    def is_fine(self) -> bool:
        return 200 <= self.code < 400


class SubmissionClient(smtplib.SMTP):
    """An `smtplib.SMTP` whose connection is ours. Raises Lost, and OSError and ssl.SSLError while it connects."""

    def __init__(
        self, account: Account, dial: Dial, context: ssl.SSLContext, final_silence: float = FINAL_SILENCE
    ) -> None:
        self._account = account
        self._dial = dial
        self._context = context
        self._final_silence = final_silence
        self._wire: Wire | None = None
        super().__init__(local_hostname=_CALLS_ITSELF, timeout=SILENCE)

    def greeting(self) -> Reply:
        """Connect, encrypted from the first octet where the account says so."""
        host, port = self._account.host, self._account.port
        sock = self._dial(host, port)
        self._host = host
        is_tls = self._account.security != STARTTLS
        self._attach(self._context.wrap_socket(sock, server_hostname=host) if is_tls else sock)
        return self.reply()

    def hello(self) -> Reply:
        """EHLO: what the server can do is told anew behind the encryption."""
        return Reply(*self.ehlo())

    def encrypt(self) -> Reply:
        """STARTTLS. Raises Lost where lines came ahead of the encryption that were to pass for lines within it."""
        said = self.say("STARTTLS")
        if said.code != 220:
            return said
        if self._wire is None or self._wire.pending or self.sock is None:
            raise Lost("lines were sent ahead of the encryption")
        self._attach(self._context.wrap_socket(self.sock, server_hostname=self._host))
        self.esmtp_features = {}
        return said

    @property
    def takes_passwords(self) -> bool:
        return not self._mechanisms.isdisjoint(("PLAIN", "LOGIN"))

    @property
    def _mechanisms(self) -> frozenset[str]:
        return frozenset(self.esmtp_features.get("auth", "").upper().split())

    def sign_in(self) -> Reply:
        """By PLAIN in UTF-8 (RFC 4616), by LOGIN where that is all there is."""
        user, password = self._account.user_name, self._account.password
        if "PLAIN" not in self._mechanisms:
            return self._answered("AUTH LOGIN", user, password)
        return self._answered("AUTH PLAIN", f"\0{user}\0{password}")

    def say(self, command: str) -> Reply:
        """A command and its reply."""
        self._hurry(SILENCE)
        self.putcmd(command)
        return self.reply()

    def hand_over(self, content: bytes) -> Reply:
        """The mail behind DATA, and what becomes of it."""
        for start in range(0, len(content), _CHUNK):
            self._hurry(SILENCE)
            self.send(content[start : start + _CHUNK])
        self._hurry(self._final_silence)
        return self.reply()

    def reply(self) -> Reply:
        return Reply(*self.getreply())

    def getreply(self) -> tuple[int, str]:  # type: ignore[override]
        """Raises Lost for whatever is no reply: no code of ours stands for it."""
        lines: list[str] = []
        while len(lines) < _MOST_LINES:
            found = _REPLY.fullmatch(self._line())
            if found is None:
                raise Lost("this is no reply")
            lines.append((found[3] or b"").decode("utf-8", "replace").strip())
            if found[2] != b"-":
                return int(found[1]), "\n".join(lines)
        raise Lost("the reply has no end")

    def ehlo(self, name: str = "") -> tuple[int, str]:  # type: ignore[override]
        """The same as the library's, over text that is no octets."""
        self._hurry(SILENCE)
        self.putcmd("EHLO", name or self.local_hostname)
        code, text = self.getreply()
        self.esmtp_features = {}
        for line in text.split("\n")[1:]:
            feature, _, words = line.replace("=", " ", 1).partition(" ")
            said = self.esmtp_features.get(feature.lower(), "")
            # Some servers tell what they take in a second line, for old programs or for new ones.
            self.esmtp_features[feature.lower()] = f"{said} {words.strip()}".strip()
        self.does_esmtp = code == 250
        return code, text

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        if self.sock is None:
            raise Lost("the line is closed")
        try:
            self.sock.sendall(s.encode("utf-8", "surrogateescape") if isinstance(s, str) else s)
        except OSError as error:
            raise Lost(type(error).__name__) from error

    def close(self) -> None:
        """Without a word."""
        sock, self.sock, self._wire = self.sock, None, None
        if sock is not None:
            sock.close()

    def _answered(self, command: str, *secrets: str) -> Reply:
        """Each as the answer to a challenge."""
        said = self.say(command)
        for secret in secrets:
            if said.code != 334:
                return said
            said = self.say(b64encode(secret.encode("utf-8", "replace")).decode("ascii"))
        return said

    def _line(self) -> bytes:
        if self._wire is None:
            raise Lost("the line is closed")
        try:
            line = self._wire.readline(_LONGEST_LINE)
        except OSError as error:
            raise Lost(type(error).__name__) from error
        if not line.endswith(b"\n"):
            raise Lost("the line breaks off")
        return line.rstrip(b"\r\n")

    def _attach(self, sock: socket.socket) -> None:
        self.sock = sock
        self._wire = Wire(sock, time.monotonic, max(SILENCE, self._final_silence))
        self._hurry(SILENCE)

    def _hurry(self, within: float) -> None:
        """What comes next has so long."""
        if self._wire is not None and self.sock is not None:
            self._wire.deadline = time.monotonic() + within
            self.sock.settimeout(within)
