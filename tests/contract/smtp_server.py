"""A submission server on loopback that behaves, except where a test says otherwise; what it has taken is kept."""

import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

# What a server does instead of a reply: hangs up, says nothing more, or takes a mail and then hangs up.
CLOSE: Final = "close"
SILENCE: Final = "silence"
CAPABILITIES: Final = ("AUTH PLAIN LOGIN", "SIZE 35000000", "8BITMIME", "SMTPUTF8")


class _Gone(Exception):
    pass


@dataclass
class Taken:
    """A mail that the server answers for."""

    sender: str
    recipients: list[str]
    content: bytes
    parameters: str = ""


@dataclass
class SmtpServer:
    """`says` are replies to the next commands of a verb, each once; `recipients` are replies to some of them, always.

    The verbs are GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA and END, which is the reply behind the last octet.
    `takes`: whether the next mails are taken whatever is said at END; else what is said decides.
    """

    context: ssl.SSLContext | None = None
    is_tls: bool = True
    capabilities: tuple[str, ...] = CAPABILITIES
    says: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    recipients: dict[str, str] = field(default_factory=dict)
    takes: list[bool] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    on_taken: Callable[[bytes], None] = lambda _: None
    port: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def verbs(self, verb: str) -> list[str]:
        """The commands of this verb that were given."""
        return [command for command in self.commands if command.upper().startswith(verb)]


class _Peer:
    def __init__(self, server: SmtpServer, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        if server.context and server.is_tls:
            self._encrypt()
        self.file = self.sock.makefile("rb")
        self.mail = Taken("", [], b"")

    def run(self) -> None:
        self.say("GREETING", "220 mail.harbour.example ESMTP")
        while True:
            line = self.line().decode("utf-8", "replace")
            self.server.commands.append(line)
            self.command(line)

    def command(self, line: str) -> None:
        verb = line[:4].upper()
        if verb == "EHLO":
            lines = ["mail.harbour.example", *self.server.capabilities]
            shown = [f"250-{word}" for word in lines[:-1]] + [f"250 {lines[-1]}"]
            self.say("EHLO", "\r\n".join(shown))
        elif verb == "STAR":
            if self.say("STARTTLS", "220 go").startswith("220"):
                self._encrypt()
                self.file = self.sock.makefile("rb")
        elif verb == "AUTH":
            self.sign_in(line)
        elif verb == "MAIL":
            address, _, parameters = line[10:].partition(">")
            self.mail = Taken(address.strip("<"), [], b"", parameters.strip())
            self.say("MAIL", "250 2.1.0 fine")
        elif verb == "RCPT":
            self.recipient(line[8:].partition(">")[0].strip("<"))
        elif verb == "DATA":
            self.data()
        elif verb == "QUIT":
            self.send("221 bye")
            raise _Gone
        else:
            self.send("250 fine")

    def sign_in(self, line: str) -> None:
        for _ in range(2 if "LOGIN" in line.upper() else 1):
            self.send("334 ")
            self.server.commands.append(self.line().decode())
        self.say("AUTH", "235 2.7.0 signed in")

    def recipient(self, address: str) -> None:
        said = self.say("RCPT", self.server.recipients.get(address, "250 2.1.5 fine"))
        if said.startswith("250"):
            self.mail.recipients.append(address)

    def data(self) -> None:
        if not self.say("DATA", "354 go").startswith("354"):
            return
        lines: list[bytes] = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        self.mail.content = b"".join(lines)
        said = (self.server.says["END"] or ["250 2.0.0 taken"])[0]
        is_taken = self.server.takes.pop(0) if self.server.takes else said.startswith("250")
        if is_taken:
            self.server.taken.append(self.mail)
            self.server.on_taken(self.mail.content)
        self.say("END", "250 2.0.0 taken")

    def say(self, verb: str, reply: str) -> str:
        if self.server.says[verb]:
            reply = self.server.says[verb].pop(0)
        if reply == CLOSE:
            raise _Gone
        if reply == SILENCE:
            self.server.stopped.wait()
            raise _Gone
        self.send(reply)
        return reply

    def send(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")

    def line(self) -> bytes:
        line = self.file.readline()
        if not line:
            raise _Gone
        return line.rstrip(b"\r\n")

    def _encrypt(self) -> None:
        assert self.server.context
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)


def _serve(server: SmtpServer, listening: socket.socket) -> None:
    while True:
        try:
            sock, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(server, sock), daemon=True).start()


def _answer(server: SmtpServer, sock: socket.socket) -> None:
    peer: _Peer | None = None
    with suppress(_Gone, OSError):
        peer = _Peer(server, sock)
        peer.run()
    with suppress(OSError):
        # The handle that makefile holds keeps a socket open: whoever hangs up says so.
        (peer.sock if peer else sock).shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def serving(server: SmtpServer) -> Iterator[SmtpServer]:
    """The server on a port of its own until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server.port = listening.getsockname()[1]
    threading.Thread(target=_serve, args=(server, listening), daemon=True).start()
    try:
        yield server
    finally:
        server.stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
