"""The look at a composed mail before it leaves: its bytes are read again and must say what was asked for.

Whatever a name, a subject or a library does to a header: nobody gets a mail who was not named.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from email.utils import getaddresses
from typing import Final

from shared.domain.errors import InvalidInput
from shared.domain.sending import headers
from shared.domain.sending.letters import File, Letter, leaving_name

_FOLD: Final = re.compile(r"\r?\n(?=[ \t])")
_BRACKETED: Final = re.compile(r"<([^<>\s]+)>")
_ESCAPED: Final = re.compile(r"\\(.)")
_ALWAYS: Final = {"from", "subject", "date", "message-id", "mime-version", "content-type"}
# A mail of a single part has it, too.
_SOMETIMES: Final = {"content-transfer-encoding"}


def check(letter: Letter, raw: bytes) -> None:
    """Raises InvalidInput, with a sentence, where the bytes do not say what the letter does."""
    try:
        differing = tuple(_differences(letter, message_from_bytes(raw, EmailMessage, policy=default)))
    except Exception as error:
        raise InvalidInput(f"The mail was not sent: it cannot be read ({type(error).__name__}).") from error
    if differing:
        raise InvalidInput(
            f"The mail was not sent: composed, it would have another {' and '.join(differing)} than asked for."
        )


def _differences(letter: Letter, mail: EmailMessage) -> Iterator[str]:
    lines = [(name.lower(), _FOLD.sub("", str(value))) for name, value in mail.raw_items()]
    raw = dict(lines)
    yield from _other_people(letter, mail, raw)
    for name, given in _ids(letter).items():
        if given != _BRACKETED.findall(raw.get(name, "")):
            yield name
    if str(mail["subject"]) != headers.one_line(letter.subject):
        yield "subject"
    if sorted(set(raw) - _SOMETIMES) != sorted(_names(letter)) or len(raw) != len(lines):
        yield "header"
    if not _has_files(mail, letter.in_order):
        yield "file"


def _other_people(letter: Letter, mail: EmailMessage, raw: Mapping[str, str]) -> Iterator[str]:
    people = {"from": (letter.sender,), "to": letter.to, "cc": letter.cc, "bcc": letter.bcc}
    for name, persons in people.items():
        asked = [_bare(person.address) for person in persons]
        if asked != _by_structure(mail, name) or asked != _by_text(raw.get(name, "")):
            yield f"address in {name.title()}"


def _by_structure(mail: EmailMessage, name: str) -> list[str]:
    header = mail[name]
    return [_bare(address.addr_spec) for address in header.addresses] if header is not None else []


def _by_text(value: str) -> list[str]:
    """As an older reader takes a list apart."""
    return [_bare(address) for _, address in getaddresses([value])] if value else []


def _bare(address: str) -> str:
    """An address without the quotes of its local part, which readers set as they like."""
    local, _, domain = address.rpartition("@")
    if local.startswith('"') and local.endswith('"'):
        local = _ESCAPED.sub(r"\1", local[1:-1])
    return f"{local}@{domain}"


def _ids(letter: Letter) -> dict[str, list[str]]:
    return {
        "message-id": [letter.message_id],
        "in-reply-to": _spelled([letter.in_reply_to]),
        "references": _spelled(letter.references),
    }


def _spelled(message_ids: Iterable[str]) -> list[str]:
    return [given[1:-1] for given in headers.ids(message_ids)]


def _names(letter: Letter) -> set[str]:
    people = {"to": letter.to, "cc": letter.cc, "bcc": letter.bcc}
    present = {name for name, persons in people.items() if persons}
    present |= {name for name, given in _ids(letter).items() if given}
    return _ALWAYS | present | {name.lower() for name, _ in letter.extra}


def _has_files(mail: EmailMessage, files: Sequence[File]) -> bool:
    found = list(_files(mail))
    if [name for name, _ in found] != [leaving_name(file) for file in files]:
        return False
    # A mail that is attached as one has been compared when its part was made.
    return all(content in (None, file.content) for (_, content), file in zip(found, files, strict=True))


def _files(part: MIMEPart) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of each file; None for an attached mail, whose files are its own."""
    if part.get_content_maintype() == "multipart":
        for inner in part.iter_parts():
            yield from _files(inner)
    elif part["content-disposition"] is not None:
        content = part.get_payload(decode=True)
        yield str(part.get_filename()), content if isinstance(content, bytes) else None
