"""The public test mails beside the repository, and their headers as Graph would give them."""

import csv
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from functools import cache
from pathlib import Path
from typing import Final

from shared.domain.mail.addresses import Person, parse_mailbox

CORPUS: Final = Path(__file__).parents[3] / "shared" / "mail"
BOUNCES: Final = "sisimai-set-of-emails"


@cache
def files(*, bounces: bool) -> tuple[tuple[str, str], ...]:
    """(path below the corpus, kind) of each whole mail: of the set of bounces, or of all the other sets."""
    with (CORPUS / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["type"] == "rfc822"]
    return tuple((row["file"], row["kind"]) for row in rows if (row["corpus"] == BOUNCES) is bounces)


def raw(file: str) -> bytes:
    return (CORPUS / file).read_bytes()


def headers_of(mail: bytes) -> list[tuple[str, str]]:
    """Names as written, values unfolded and decoded."""
    head: Message = BytesHeaderParser(policy=compat32).parsebytes(mail)
    return [(name, _decoded(str(value))) for name, value in head.items()]


def first(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for given, value in headers if given.lower() == name), "")


def sender_of(headers: list[tuple[str, str]]) -> Person:
    return parse_mailbox(first(headers, "from")) or Person("", "")


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value
