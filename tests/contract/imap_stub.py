"""A server that says what a test tells it to, over TLS: what no real one can be made to say."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stub:
    """`capabilities` are those of the greeting; `sign_in` answers the password, `look` the first folder."""

    sign_in: str = "OK"
    look: str = "OK"
    capabilities: str = "IMAP4rev1 AUTH=PLAIN"
    greeting: str = "OK"
    port: int = 0
    lines: list[str] = field(default_factory=list)

    def serve(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError):
                self._talk(context.wrap_socket(accepted, server_side=True))

    def _talk(self, line: ssl.SSLSocket) -> None:
        with line, line.makefile("rwb") as stream:
            self._say(stream, f"* {self.greeting} [CAPABILITY {self.capabilities}] ready")
            while (came := stream.readline()) and self._answer(stream, came.decode("latin-1").rstrip()):
                pass

    def _answer(self, stream: object, came: str) -> bool:
        self.lines.append(came)
        tag, _, command = came.partition(" ")
        verb = command.partition(" ")[0].upper()
        if verb == "CAPABILITY":
            self._say(stream, f"* CAPABILITY {self.capabilities}")
        if verb == "AUTHENTICATE":
            self._say(stream, "+ ")
            self.lines.append(stream.readline().decode("latin-1").rstrip())  # type: ignore[attr-defined]
        if verb in ("EXAMINE", "SELECT") and self.look == "OK":
            for told in ("1 EXISTS", f"OK [UIDVALIDITY {1}] numbers", f"OK [UIDNEXT {2}] next"):
                self._say(stream, f"* {told}")
        answers = {"AUTHENTICATE": self.sign_in, "LOGIN": self.sign_in, "EXAMINE": self.look}
        self._say(stream, f"{tag} {answers.get(verb, 'OK')} done")
        return verb != "LOGOUT"

    @staticmethod
    def _say(stream: object, text: str) -> None:
        stream.write(f"{text}\r\n".encode())  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]


@contextmanager
def served(stub: Stub, certificate: Sequence[Path]) -> Iterator[Stub]:
    """Serves on a free port until the block ends. `certificate` is (certificate, key)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate[:2]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub.port = int(listener.getsockname()[1])
        threading.Thread(target=stub.serve, args=(listener, context), daemon=True).start()
        yield stub
