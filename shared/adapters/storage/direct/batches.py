"""The body of a transaction and its answer: multipart in multipart, written and read by hand.

Source: Microsoft, "Performing entity group transactions". Python's `email` package takes ten times as long.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.adapters.storage.direct.exchange import Answer
from shared.adapters.storage.direct.sending import code_of
from shared.adapters.storage.direct.writes import Write
from shared.adapters.storage.errors import in_transaction
from shared.domain.errors import PostledgerError, Unavailable

# JSON has no line breaks of its own and keys are percent-encoded, so no row can hold these.
_BATCH: Final = "batch_postledger"
_CHANGES: Final = "changeset_postledger"
CONTENT_TYPE: Final = f"multipart/mixed; boundary={_BATCH}"

_HEAD: Final = f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGES}\r\n\r\n".encode()
_PART: Final = f"--{_CHANGES}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
_TAIL: Final = f"--{_CHANGES}--\r\n--{_BATCH}--\r\n".encode()

# Parts may stand in a changeset's answer, or, where it could not even be read, in the batch's own. JSON has one line.
_BOUNDARY: Final = re.compile(rb"^--.*$", re.MULTILINE)
_STATUS: Final = re.compile(rb"^HTTP/1\.\d (\d{3})", re.MULTILINE)
# The message of a failed operation begins with its place in the transaction.
_INDEX: Final = re.compile(rb'"value"\s*:\s*"(\d+):')


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to the operation that spoilt a transaction; None where the service does not say which."""

    answer: Answer
    index: int | None

    def error(self, table: str) -> PostledgerError:
        return in_transaction(
            table,
            self.index,
            status=self.answer.status,
            code=code_of(self.answer),
            retry_after=self.answer.headers.get("retry-after", ""),
        )


def batch_body(address: str, writes: Sequence[Write]) -> bytes:
    """`address` is that of the table service."""
    parts = [_part(number, address, write) for number, write in enumerate(writes)]
    return b"".join([_HEAD, *parts, _TAIL])


def _part(number: int, address: str, write: Write) -> bytes:
    headers = dict(write.headers)
    if write.body:
        headers["Content-Length"] = str(len(write.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"{_PART}Content-ID: {number}\r\n\r\n{write.method} {address}{write.path} HTTP/1.1\r\n"
    return f"{start}{lines}\r\n".encode() + write.body + b"\r\n"


def etags_of(table: str, answer: Answer, expected: int) -> list[str]:
    """The ETags in order. Raises the error of the operation that failed, or Unavailable for half an answer."""
    answers = list(_answers(answer.body))
    for part in answers:
        if part.status >= 300:
            raise Refused(part, _index(part.body)).error(table)
    if len(answers) != expected:
        raise Unavailable(f"{table}: {len(answers)} answers to {expected} operations")
    return [part.headers.get("etag", "") for part in answers]


def _answers(body: bytes) -> Iterator[Answer]:
    for part in _BOUNDARY.split(body):
        status = _STATUS.search(part)
        if status is not None:
            head, _, content = part[status.end() :].partition(b"\r\n\r\n")
            yield Answer(int(status[1]), _headers(head), content)


def _headers(head: bytes) -> dict[str, str]:
    """By names in small letters."""
    lines = (line.partition(":") for line in head.decode().split("\r\n"))
    return {name.lower(): value.strip() for name, colon, value in lines if colon}


def _index(body: bytes) -> int | None:
    found = _INDEX.search(body)
    return int(found[1]) if found else None
