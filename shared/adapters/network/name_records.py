"""SRV records by DNS (RFC 1035, 2782): one question, one answer, over UDP."""

import secrets
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from shared.domain.connections.discovery import Srv

_SRV: Final = 33
_IN: Final = 1
_HEADER: Final = struct.Struct(">6H")
_ANSWER: Final = struct.Struct(">HHIH")
_TARGET: Final = struct.Struct(">3H")
_WITHIN: Final = 2.0
_MOST_JUMPS: Final = 16
_MOST_RECORDS: Final = 32
_LARGEST: Final = 4_096

NameServer = tuple[str, int]


def system_servers(file: Path = Path("/etc/resolv.conf")) -> Sequence[NameServer]:
    """The resolvers of this machine, two at most."""
    with suppress(OSError):
        lines = [line.split() for line in file.read_text("ascii", "replace").splitlines()]
        named = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
        return [(name, 53) for name in named[:2]]
    return []


class NameRecords:
    """Asks resolvers for SRV records."""

    def __init__(self, servers: Sequence[NameServer] | None = None) -> None:
        self._servers = system_servers() if servers is None else servers

    def srv(self, name: str) -> Sequence[Srv]:
        """The records of a name; none where nobody answers."""
        for server in self._servers:
            with suppress(OSError, ValueError, struct.error, IndexError):
                return self._asked(server, name)
        return ()

    @staticmethod
    def _asked(server: NameServer, name: str) -> Sequence[Srv]:
        # 16 random bits, and a port of its own for each question: an answer is not easily made up.
        number = secrets.randbits(16)
        question = _name(name) + struct.pack(">2H", _SRV, _IN)
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_WITHIN)
            asking.connect(server)
            asking.send(_HEADER.pack(number, 0x0100, 1, 0, 0, 0) + question)
            answer = asking.recv(_LARGEST)
        return list(_records(answer, number, question))


def _records(answer: bytes, number: int, question: bytes) -> Iterator[Srv]:
    """Raises ValueError for an answer to another question."""
    told, flags, questions, answers, _, _ = _HEADER.unpack_from(answer)
    is_answer = told == number and flags & 0x8000 and questions == 1
    if not is_answer or answer[_HEADER.size : _HEADER.size + len(question)].lower() != question.lower():
        raise ValueError("an answer to another question")
    place = _HEADER.size + len(question)
    for _ in range(min(answers, _MOST_RECORDS)):
        _, place = _read_name(answer, place)
        kind, group, _, length = _ANSWER.unpack_from(answer, place)
        place += _ANSWER.size
        if (kind, group) == (_SRV, _IN):
            priority, weight, port = _TARGET.unpack_from(answer, place)
            target, _ = _read_name(answer, place + _TARGET.size)
            yield Srv(priority, weight, port, target)
        place += length


def _name(text: str) -> bytes:
    labels = [label.encode("ascii") for label in text.rstrip(".").split(".")]
    if any(not 0 < len(label) < 64 for label in labels):
        raise ValueError("a label of a name is empty or too long")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _read_name(message: bytes, place: int) -> tuple[str, int]:
    """A name, and where what follows it begins. A name may go on elsewhere (RFC 1035, 4.1.4)."""
    labels: list[str] = []
    behind, jumps = 0, 0
    while length := message[place]:
        if length >= 0xC0:
            behind, jumps = behind or place + 2, jumps + 1
            if jumps > _MOST_JUMPS:
                raise ValueError("a name without an end")
            place = (length & 0x3F) << 8 | message[place + 1]
        else:
            labels.append(message[place + 1 : place + 1 + length].decode("ascii"))
            place += 1 + length
    return ".".join(labels), behind or place + 1
